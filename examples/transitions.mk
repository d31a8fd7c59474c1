# Make the transitions between all drum patterns of a folder:
#
#   make -f examples/transitions.mk PATTERNS=beats OUT=out STEPS=3 -j 2
#
# For every two MIDI files of PATTERNS, say a.mid and b.mid, it makes OUT/a.mid-to-b.mid and
# OUT/b.mid-to-a.mid: the patterns themselves, and those between them, in STEPS steps. Outputs appear
# whole or not at all, and only what is older than one of its two patterns is made again. Files whose
# names make cannot hold, such as those with spaces, are named at the end, and make fails.

include $(dir $(lastword $(MAKEFILE_LIST)))files.mk

DRUMKIT ?= drumkit
PATTERNS ?= .
OUT ?= out
STEPS ?= 6
FLAGS ?=
FORMATS := mid midi

$(call check_folders,PATTERNS,OUT)
patterns := $(call files,$(PATTERNS),$(FORMATS))
transitions := $(foreach a,$(patterns),$(foreach b,$(filter-out $(a),$(patterns)),$(OUT)/$(a)-to-$(b)))

.PHONY: all clean
.DEFAULT_GOAL := all

all: $(transitions)
	$(call report_others,$(PATTERNS),$(FORMATS))

$(foreach a,$(patterns),$(foreach b,$(filter-out $(a),$(patterns)),\
	$(eval $(OUT)/$(a)-to-$(b): $(PATTERNS)/$(a) $(PATTERNS)/$(b))))

$(transitions): | $(OUT)/.
	$(DRUMKIT) interpolate -q -n $(call quote,$(STEPS)) $(FLAGS) -o $(call quote,$@) \
	-- $(call quote,$(word 1,$^)) $(call quote,$(word 2,$^))

$(OUT)/.:
	mkdir -p -- $(call quote,$@)

clean:
	rm -f -- $(foreach file,$(transitions),$(call quote,$(file)))
