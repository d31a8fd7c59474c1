# What the makefiles of this folder share: which files of a folder they take, and quoting for the shell.

# $(call quote,TEXT): TEXT as one word of the shell, whatever it holds.
quote = '$(subst ','\'',$(1))'

# A recipe that fails leaves nothing behind that a later make would take for done.
.DELETE_ON_ERROR:

# What make cannot hold in a name, or would take for its own syntax: control characters, blanks and
# ! " # $ % * : ; < = > ? [ \ ] ^ ` { | } ~ (as ranges of ASCII).
reserved := [[:cntrl:] -%*:-?[-^`{-~]

# $(call find,FOLDER,SUFFIXES): the shell command that finds the files of these suffixes in any case.
find = LC_ALL=C find -L $(call quote,$(1)) -maxdepth 1 -type f ! -name '.*' \
	\( $(foreach suffix,$(2),-iname '*.$(suffix)' -o) -false \)

# $(call files,FOLDER,SUFFIXES): their names, less those that make cannot hold.
files = $(sort $(notdir $(shell $(call find,$(1),$(2)) ! -name '*$(reserved)*')))

# $(call report_others,FOLDER,SUFFIXES): a recipe that names those on stderr and fails if there are any.
# Control characters are shown as "?", so that each name keeps to its line.
report_others = @! { $(call find,$(1),$(2)) -name '*$(reserved)*' -print0 \
	| LC_ALL=C tr '\000-\037\177' '\n[?*]' \
	| LC_ALL=C sed 's/$$/: not made, since make cannot hold this name: rename it without blanks and special characters/' \
	| LC_ALL=C grep . >&2; }

# $(call check_folders,INPUT,OUTPUT): stops make, before it runs anything, if these variables do not name
# a folder of inputs that there is and one for the outputs, both such as make can hold.
check_folders = $(foreach name,$(1) $(2),$(if $(call is_reserved,$($(name))),$(error \
	$(name) is "$($(name))": name a folder without blanks and special characters))) \
	$(if $(wildcard $($(1))/.),,$(error $(1) is "$($(1))": there is no such folder))
is_reserved = $(shell printf %s $(call quote,$(1)) | LC_ALL=C grep $(call quote,$(reserved)))
