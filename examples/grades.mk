# Pin the grades of a folder of drums, as a job of continuous integration would:
#
#   make -f examples/grades.mk DRUMS=made REFERENCE=real baseline    # once: writes grades.json
#   make -f examples/grades.mk DRUMS=made REFERENCE=real             # fails where a grade is worse
#
# REFERENCE is a folder with a file of the same name for each of DRUMS. Drums fail below MIN_GRADE, and where
# they are more than MAX_DROP below BASELINE. REPORT is a JUnit file, which CI servers show.

include $(dir $(lastword $(MAKEFILE_LIST)))files.mk

DRUMKIT ?= drumkit
DRUMS ?= drums
REFERENCE ?= reference
BASELINE ?= grades.json
REPORT ?= grades.xml
MIN_GRADE ?= 6
MAX_DROP ?= 0.2

score = $(DRUMKIT) score -q --recursive $(call quote,$(DRUMS)) --reference $(call quote,$(REFERENCE))

.PHONY: check baseline
.DEFAULT_GOAL := check

check:
	$(score) --min-grade $(MIN_GRADE) --baseline $(call quote,$(BASELINE)) --max-drop $(MAX_DROP) \
		--junit $(call quote,$(REPORT))

baseline:
	$(score) --json -o $(call quote,$(BASELINE))
