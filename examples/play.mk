# Make all drum tracks of a folder audible, with one kit:
#
#   make -f examples/play.mk BEATS=beats OUT=out SEED=3 -j 2
#
# For every MIDI file of BEATS, say beat.mid, it makes OUT/beat.mid.wav. The kit is drawn once, from
# SEED, and kept in OUT/kit.json: edit it, and all is played again. Outputs appear whole or not at all.
# Files whose names make cannot hold, such as those with spaces, are named at the end, and make fails.

include $(dir $(lastword $(MAKEFILE_LIST)))files.mk

DRUMKIT ?= drumkit
BEATS ?= .
OUT ?= out
SEED ?= 0
FLAGS ?=
FORMATS := mid midi

$(call check_folders,BEATS,OUT)
sounds := $(patsubst %,$(OUT)/%.wav,$(call files,$(BEATS),$(FORMATS)))

.PHONY: all clean
.DEFAULT_GOAL := all

all: $(sounds)
	$(call report_others,$(BEATS),$(FORMATS))

$(sounds): $(OUT)/%.wav: $(BEATS)/% $(OUT)/kit.json
	$(DRUMKIT) synth -q --kit $(call quote,$(OUT)/kit.json) $(FLAGS) -o $(call quote,$@) -- $(call quote,$<)

$(OUT)/kit.json: | $(OUT)/.
	$(DRUMKIT) swirl -q --measures 1 \
	| $(DRUMKIT) synth -q --seed $(call quote,$(SEED)) --save-kit $(call quote,$@) -o /dev/null

$(OUT)/.:
	mkdir -p -- $(call quote,$@)

clean:
	rm -f -- $(foreach file,$(sounds),$(call quote,$(file)))
