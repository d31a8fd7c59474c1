# Make the transitions between all drum patterns of a folder:
#
#   make -f examples/transitions.mk PATTERNS=beats OUT=out STEPS=3 -j 2
#
# For every two of PATTERNS/*.mid, A and B, it makes OUT/A-to-B.mid and OUT/B-to-A.mid: the patterns
# themselves, and those between them, in STEPS steps. Outputs appear whole or not at all, and only
# what is older than one of its two patterns is made again. Names must not contain spaces or "-to-".

DRUMKIT ?= drumkit
PATTERNS ?= .
OUT ?= out
STEPS ?= 6
FLAGS ?=

names := $(basename $(notdir $(wildcard $(PATTERNS)/*.mid)))
transitions := $(foreach a,$(names),$(foreach b,$(filter-out $(a),$(names)),$(OUT)/$(a)-to-$(b).mid))

.PHONY: all clean

all: $(transitions)

define transition
$(OUT)/$(1)-to-$(2).mid: $(PATTERNS)/$(1).mid $(PATTERNS)/$(2).mid | $(OUT)
	$$(DRUMKIT) interpolate -q -n $$(STEPS) $$(FLAGS) $(PATTERNS)/$(1).mid $(PATTERNS)/$(2).mid -o $$@
endef
$(foreach a,$(names),$(foreach b,$(filter-out $(a),$(names)),$(eval $(call transition,$(a),$(b)))))

$(OUT):
	mkdir -p $@

clean:
	rm -f $(transitions)
