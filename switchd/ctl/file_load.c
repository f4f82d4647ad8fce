/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/ctl/file_load.h"

#include <stdio.h>

static const char header[] = "! switchd configuration";

void file_load_init(struct file_load *load, struct span text)
{
	static const char bom[] = "\xef\xbb\xbf";

	load->rest = text;
	if (span_starts_with(text, SPAN_LIT(bom))) {
		load->rest.ptr += sizeof(bom) - 1;
		load->rest.len -= sizeof(bom) - 1;
	}
	load->mode = (struct mode){.kind = MODE_CONFIG};
	load->has_header = span_starts_with(load->rest, SPAN_LIT(header));
}

static void report(struct file_load *load, struct vos_fault *fault)
{
	fault->line = load->line;
	if (load->fault_count++ == 0)
		load->first = *fault;
	if (load->fault_count <= FILE_FAULTS_SHOWN)
		load->report(load->context, fault, true);
}

enum vos_err file_match(const struct grammar *grammar, const struct mode *mode, struct span line,
			struct match *out, struct vos_fault *fault)
{
	enum vos_err err = grammar_match(grammar, mode, line, out, fault);
	struct mode at = *mode;
	struct vos_fault other;

	/* Text that was typed or pasted without its `exit` lines goes on in the mode above. */
	if (!err || !fault || fault->code != FAULT_SYNTAX_UNKNOWN_WORD)
		return err;
	while (at.kind != MODE_CONFIG && at.kind != MODE_EXEC) {
		at = mode_parent(&at);
		other = (struct vos_fault){0};
		if (at.kind == MODE_EXEC ||
		    grammar_match(grammar, &at, line, out, &other) != VOS_OK)
			continue;
		*fault = (struct vos_fault){0};
		return VOS_OK;
	}
	/* Leaves in *out what the first try found. */
	return grammar_match(grammar, mode, line, out, fault);
}

static bool is_configuration(enum command_id command)
{
	switch ((int)command) {
	case COMMAND_PARAM_SET:
	case COMMAND_PARAM_RESET:
	case COMMAND_OBJECT_ENTER:
	case COMMAND_OBJECT_DELETE:
	case COMMAND_FIELD_SET:
	case COMMAND_FIELD_RESET:
	case COMMAND_MODE_ENTER:
		return true;
	default:
		return false;
	}
}

bool file_abbreviation(const struct match *match, int line, struct vos_fault *warning)
{
	if (!match->is_abbreviated || param_find_name(match->abbreviated) >= 0)
		return false;
	*warning = (struct vos_fault){.line = line};
	fault_set(warning, FAULT_NONE, 0,
		  "\"%.*s\" is short for \"%s\"; write it in full in a file",
		  SPAN_ARG(match->abbreviated), match->full_form ? match->full_form : "");
	return true;
}

static void warn_abbreviation(struct file_load *load)
{
	struct vos_fault warning;

	if (!load->fault_count && file_abbreviation(&load->match, load->line, &warning))
		load->report(load->context, &warning, false);
}

static void load_line(struct file_load *load, struct span line)
{
	struct vos_fault fault = {0};
	enum vos_err err;

	err = file_match(load->grammar, &load->mode, line, &load->match, &fault);
	if (err == VOS_ENOENT && fault.code == FAULT_NONE)
		return; /* blank or comment */
	load->has_text = true;
	if (load->has_end) {
		fault_set(&fault, FAULT_STATE, 1, "text after end");
		report(load, &fault);
		return;
	}
	if (err) {
		candidate_explain_range(load->candidate, &load->match, &fault);
		report(load, &fault);
		return;
	}
	warn_abbreviation(load);
	if (load->match.command == COMMAND_END) {
		load->has_end = true;
	} else if (load->match.command == COMMAND_EXIT) {
		/* One `exit` too many at the top is harmless in a file. */
		if (load->mode.kind != MODE_CONFIG)
			load->mode = mode_parent(&load->mode);
	} else if (!is_configuration(load->match.command)) {
		fault_set(
			&fault, FAULT_STATE, 1,
			"\"%s\" is a command, not configuration; vosctl -f runs files of commands",
			command_name(load->match.command));
		report(load, &fault);
	} else {
		err = candidate_apply_match(load->candidate, &load->match, load->key, load->line,
					    &fault);
		load->mode = load->match.target;
		if (err)
			report(load, &fault);
	}
}

static void finish(struct file_load *load)
{
	struct vos_fault fault = {0};

	load->line++;
	if (load->replace && !load->has_header) {
		load->line = 1;
		fault_set(
			&fault, FAULT_STATE, 1,
			"a file that replaces everything must be a whole running-config: its first "
			"line is \"%s, format 1\"",
			header);
		report(load, &fault);
	} else if ((load->replace || load->has_header) && !load->has_end) {
		fault_set(&fault, FAULT_SYNTAX_INCOMPLETE, 1,
			  "the file is cut short: its last line is not \"end\"");
		report(load, &fault);
	}
}

bool file_load_step(struct file_load *load, int max_lines)
{
	while (load->rest.len && max_lines-- > 0) {
		size_t at = span_find(load->rest, '\n');
		struct span line = {load->rest.ptr, at};
		size_t used = at < load->rest.len ? at + 1 : at;

		load->rest.ptr += used;
		load->rest.len -= used;
		load->line++;
		if (line.len && line.ptr[line.len - 1] == '\r')
			line.len--;
		load_line(load, line);
	}
	if (load->rest.len)
		return true;
	finish(load);
	return false;
}

void file_load_summary(const struct file_load *load, const char *name, struct vos_fault *fault)
{
	*fault = load->first;
	snprintf(fault->text, sizeof(fault->text), "%zu error%s in %s; nothing was changed",
		 load->fault_count, load->fault_count == 1 ? "" : "s", name);
}
