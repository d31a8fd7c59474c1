# Make all drum tracks of a folder audible, with one kit:
#
#   make -f examples/play.mk BEATS=beats OUT=out SEED=3 -j 2
#
# For every BEATS/NAME.mid it makes OUT/NAME.wav. The kit is drawn once, from SEED, and kept in
# OUT/kit.json: edit it, and all is played again. Outputs appear whole or not at all. Names must not
# contain spaces.

DRUMKIT ?= drumkit
BEATS ?= .
OUT ?= out
SEED ?= 0
FLAGS ?=

sounds := $(patsubst $(BEATS)/%.mid,$(OUT)/%.wav,$(wildcard $(BEATS)/*.mid))

.PHONY: all clean

all: $(sounds)

$(OUT)/%.wav: $(BEATS)/%.mid $(OUT)/kit.json
	$(DRUMKIT) synth -q --kit $(OUT)/kit.json $(FLAGS) $< -o $@

$(OUT)/kit.json: | $(OUT)
	$(DRUMKIT) swirl -q --measures 1 | $(DRUMKIT) synth -q --seed $(SEED) --save-kit $@ -o /dev/null

$(OUT):
	mkdir -p $@

clean:
	rm -f $(sounds)
