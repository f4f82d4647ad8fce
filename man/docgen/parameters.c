/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vos-parameters(7): the catalogue in full, and the screen of defaults. */
#include <stdio.h>

#include "man/docgen/docgen.h"

static const char *const apply_texts[] = {
	[APPLY_NOW] = "at once",
	[APPLY_NEW_CALLS] = "for new calls",
	[APPLY_NEW_REGISTRATIONS] = "for new registrations",
	[APPLY_RESTART] = "at the next start of switchd",
};

/* "<10..86400 s>; a rule beyond the range". Storage of the caller. */
static const char *type_text(const struct value_spec *spec, struct buf *out)
{
	buf_reset(out);
	value_print_type(spec, out);
	if (spec->extra)
		buf_printf(out, "; %s", spec->extra);
	return buf_cstr(out);
}

static const char *default_text(bool has_default, const char *text)
{
	if (!has_default)
		return "unset";
	return text[0] ? text : "\"\"";
}

static void capital(const char *text, char *out, size_t size)
{
	snprintf(out, size, "%s", text);
	if (out[0] >= 'a' && out[0] <= 'z')
		out[0] = (char)(out[0] - 'a' + 'A');
}

static void print_help(const char *text, bool in_effect)
{
	char help[512];

	capital(text, help, sizeof(help));
	mdoc_text("%s.%s", help, in_effect ? "" : " Not in effect yet.");
}

static void print_param(const struct param *param)
{
	struct buf type = buf_new();
	char aliases[256];

	snprintf(aliases, sizeof(aliases), "%s", param->aliases);
	for (char *at = aliases; *at; at++)
		if (*at == '|')
			*at = ' ';
	printf(".It Ic %s\n", param->name);
	print_help(param->help, param->in_effect);
	printf(".Bl -tag -width \"takes effect\" -compact\n");
	printf(".It keyword\n.Cm %s\n", param->keyword);
	mdoc_row("aliases", aliases);
	mdoc_row("value", type_text(&param->spec, &type));
	mdoc_row("unit", param->spec.unit ? param->spec.unit : "");
	mdoc_row("default", default_text(param->has_default, param->default_text));
	mdoc_row("takes effect", apply_texts[param->apply]);
	mdoc_row("source", param->source);
	printf(".El\n");
	buf_free(&type);
}

static void print_tab(enum param_tab tab)
{
	printf(".Ss Tab %s\n", tab_title(tab));
	printf("Mode\n.Ic softswitch-management additional-settings %s .\n", tab_keyword(tab));
	printf(".Bl -tag -width Ds\n");
	for (int id = 0; id < PARAM_COUNT; id++)
		if (param_get((enum param_id)id)->tab == tab)
			print_param(param_get((enum param_id)id));
	printf(".El\n");
}

static void print_field(const struct field *field)
{
	struct buf type = buf_new();
	const char *many = field->is_list ? "May be given several times. " : "";

	printf(".It Cm %s\n", field->keyword);
	print_help(field->help, field->in_effect);
	mdoc_text("Value %s; default %s. %sTakes effect %s.", type_text(&field->spec, &type),
		  default_text(field->has_default, field->default_text), many,
		  apply_texts[field->apply]);
	if (field->refers_to != OBJECT_COUNT)
		printf("Names a\n.Ic %s .\n", object_type(field->refers_to)->keyword);
	buf_free(&type);
}

static void print_object(const struct object_type *type)
{
	struct buf text = buf_new();

	if (type->is_singleton)
		printf(".Ss %s\n", type->keyword[0] ? type->keyword : "The switch itself");
	else
		printf(".Ss %s Ar %s\n", type->keyword, type->key_label);
	if (type->keyword[0])
		print_help(type->help, type->in_effect);
	if (!type->is_singleton)
		mdoc_text("The key is a %s: %s.", type->key_label, type_text(&type->key, &text));
	printf(".Bl -tag -width Ds\n");
	for (int i = 0; i < type->field_count; i++)
		print_field(field_get((enum field_id)((int)type->first_field + i)));
	printf(".El\n");
	buf_free(&text);
}

static void print_description(void)
{
	printf(".Sh DESCRIPTION\n");
	mdoc_text("Everything that can be configured in switchd: the parameters under the names "
		  "that VOS3000 operators know, tab by tab as in Softswitch management > "
		  "Additional settings, and the objects with their fields.");
	printf(".Pp\nA parameter is set by its keyword in the mode of its tab, or by its name or "
	       "an\nalias of it anywhere, with or without\n.Ql = :\n"
	       ".Bd -literal -offset indent\n"
	       "sw1(config-sip-parameter)# nat-keep-alive-period 20\n"
	       "sw1(config)# SS_SIP_NAT_KEEP_ALIVE_PERIOD = 20\n"
	       "sw1# set SS_SIP_NAT_KEEP_ALIVE_PERIOD 20\n"
	       ".Ed\n.Pp\n");
	mdoc_text("Values are shown as ? shows them: a range with its unit, or the words that are "
		  "allowed. A source says where default and reading come from; a question mark "
		  "in it marks what is doubtful there.");
	mdoc_text("A parameter or field that nothing in switchd reads yet is marked \"not in "
		  "effect yet\"; it is kept, and a commit that changes it says so.");
}

void docgen_parameters(void)
{
	mdoc_head("vos-parameters", "parameters and objects of switchd");
	print_description();
	printf(".Sh PARAMETERS\n");
	for (int tab = 0; tab < TAB_COUNT; tab++)
		print_tab((enum param_tab)tab);
	printf(".Sh OBJECTS\n");
	mdoc_text("An object is created or entered by its keyword and key, and removed with no in "
		  "front.");
	for (int kind = 0; kind < OBJECT_COUNT; kind++)
		print_object(object_type((enum object_kind)kind));
	printf(".Sh FILES\n.Bl -tag -width Ds\n.It Pa presets/*.conf\n");
	mdoc_text("Commented files of parameters for vosctl apply, installed below share/switchd.");
	printf(".El\n.Sh SEE ALSO\n.Xr vosctl 1 ,\n.Xr vos-config 5 ,\n.Xr vos-commands 7 ,\n"
	       ".Xr vos-control 7 ,\n.Xr switchd 8\n");
}

/* As the screens of VOS3000 write it: On and Off; texts that are empty, quoted. */
static void print_screen_value(const struct param *param)
{
	const char *text = param->default_text;

	if (param->spec.type == VALUE_BOOL)
		printf("%s = %s\n", param->name, strcmp(text, "on") == 0 ? "On" : "Off");
	else
		printf("%s = %s\n", param->name, text[0] ? text : "\"\"");
}

void docgen_screen(void)
{
	printf("# Softswitch management > Additional settings, as it stands on a new switch: "
	       "every\n"
	       "# parameter that has a default, tab by tab. A list that was taken from a screen "
	       "of\n"
	       "# VOS3000 looks the same, and is put in force the same way:\n"
	       "#\n"
	       "#     vosctl apply --diff FILE     what it would change\n"
	       "#     vosctl apply FILE            one commit\n"
	       "#\n"
	       "# It takes a switch back to its defaults, except what has none. Printed by "
	       "docgen.\n");
	for (int tab = 0; tab < TAB_COUNT; tab++) {
		printf("\n# %s\n", tab_title((enum param_tab)tab));
		for (int id = 0; id < PARAM_COUNT; id++) {
			const struct param *param = param_get((enum param_id)id);

			if ((int)param->tab == tab && param->has_default)
				print_screen_value(param);
		}
	}
}
