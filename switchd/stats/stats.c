/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/stats/stats.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

#define US_PER_STEP (STATS_STEP_S * UINT64_C(1000000))
#define STEPS       (STATS_WINDOW_MAX_S / STATS_STEP_S + 1) /* one is running */
#define OTHER       "other"
#define DAY_BYTES   16

/* What counts in one step. */
struct step_sum {
	uint64_t number;
	uint32_t attempts;
	uint32_t answered;
	uint32_t rang;
	uint32_t effective;
	uint32_t abandoned;
	uint32_t pdd_count;
	uint64_t talk_ms;
	uint64_t pdd_ms;
	uint64_t mos_centi;
	uint32_t mos_count;
	uint64_t packets;
	uint64_t lost;
};

struct day {
	char name[DAY_BYTES]; /* "": none yet */
	bool is_changed;      /* since stats_changes() */
	struct stats_tally tally;
};

struct subject {
	UT_hash_handle hh;
	enum stats_scope scope;
	const char *name; /* in the key, behind its letter */
	struct stats_tally total;
	struct day days[STATS_DAYS]; /* the newest first */
	struct step_sum *steps;      /* STEPS; NULL: nothing has counted yet */
	uint64_t cps;
	uint64_t new_up_ms; /* sampled, and in no day yet, as the next */
	uint64_t new_peak;
	struct subject *next_changed;
	bool is_changed; /* is among the changed ones of stats */
	char key[STATS_NAME_MAX + 1];
};

struct stats {
	pthread_mutex_t lock;
	struct subject *subjects; /* the total is the first */
	struct subject *changed;
};

/* What one side has sent. */
struct heard {
	int64_t mos_centi; /* 0: not known */
	int64_t packets;
	int64_t lost;
};

/* One attempt, as it counts for a subject. */
struct attempt {
	bool is_answered;
	bool has_rung;
	uint64_t talk_ms;
	uint64_t pdd_ms;
	const char *cause;
	struct heard caller; /* zero where the subject is the other side, as the next */
	struct heard callee;
};

static struct subject *subject_of(struct stats *stats, enum stats_scope scope, const char *name)
{
	char key[STATS_NAME_MAX + 1] = {"tmr"[scope]};
	struct subject *subject;

	span_join(span_of(name), SPAN_NONE, key + 1, sizeof(key) - 1);
	HASH_FIND_STR(stats->subjects, key, subject);
	if (subject)
		return subject;
	if (HASH_COUNT(stats->subjects) >= STATS_SUBJECTS_MAX)
		return NULL;
	subject = calloc(1, sizeof(*subject));
	if (!subject)
		return NULL;
	memcpy(subject->key, key, sizeof(key));
	subject->scope = scope;
	subject->name = subject->key + 1;
	HASH_ADD_STR(stats->subjects, key, subject);
	return subject;
}

enum vos_err stats_create(struct stats **out)
{
	struct stats *stats = calloc(1, sizeof(*stats));

	*out = stats;
	if (!stats)
		return VOS_ENOMEM;
	pthread_mutex_init(&stats->lock, NULL);
	if (subject_of(stats, STATS_TOTAL, ""))
		return VOS_OK;
	stats_destroy(stats);
	*out = NULL;
	return VOS_ENOMEM;
}

void stats_destroy(struct stats *stats)
{
	struct subject *subject;
	struct subject *next;

	if (!stats)
		return;
	HASH_ITER (hh, stats->subjects, subject, next) {
		HASH_DEL(stats->subjects, subject);
		free(subject->steps);
		free(subject);
	}
	pthread_mutex_destroy(&stats->lock);
	free(stats);
}

const char *stats_scope_word(enum stats_scope scope)
{
	static const char *const words[] = {"total", "mapping-gateway", "routing-gateway"};

	return words[scope];
}

void stats_sum_add(struct stats_sum *sum, const struct stats_sum *more)
{
	sum->attempts += more->attempts;
	sum->answered += more->answered;
	sum->rang += more->rang;
	sum->effective += more->effective;
	sum->abandoned += more->abandoned;
	sum->talk_ms += more->talk_ms;
	sum->pdd_ms += more->pdd_ms;
	sum->pdd_count += more->pdd_count;
	sum->mos_centi += more->mos_centi;
	sum->mos_count += more->mos_count;
	sum->packets += more->packets;
	sum->lost += more->lost;
}

static struct stats_cause *find_cause(struct stats_tally *tally, const char *name)
{
	for (size_t i = 0; i < tally->cause_count; i++)
		if (strcmp(tally->causes[i].name, name) == 0)
			return &tally->causes[i];
	return NULL;
}

void stats_count_cause(struct stats_tally *tally, const char *name, uint64_t count)
{
	struct stats_cause *cause = find_cause(tally, name);

	/* The last place is for those that have none of their own. */
	if (!cause && tally->cause_count >= STATS_CAUSES_MAX - 1) {
		name = OTHER;
		cause = find_cause(tally, name);
	}
	if (!cause) {
		cause = &tally->causes[tally->cause_count++];
		snprintf(cause->name, sizeof(cause->name), "%s", name);
		cause->count = 0;
	}
	cause->count += count;
}

static bool is_one_of(const char *cause, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(cause, list[i]) == 0)
			return true;
	return false;
}

#define IS_ONE_OF(cause, list) is_one_of(cause, list, sizeof(list) / sizeof((list)[0]))

/* E.425: the called side was reached, and its own answer is why there is no conversation. */
static bool is_effective(const struct attempt *attempt)
{
	static const char *const reached[] = {
		"480", "486", "600", "603", "607", "no-answer", "callee-capacity"};
	static const char *const no_answer[] = {"abandoned",        "487",          "408", "504",
						"timeout-progress", "timeout-setup"};

	return attempt->is_answered || IS_ONE_OF(attempt->cause, reached) ||
	       (attempt->has_rung && IS_ONE_OF(attempt->cause, no_answer));
}

static void add_to_step(struct subject *subject, const struct stats_sum *sum, uint64_t now_us)
{
	uint64_t number = now_us / US_PER_STEP + 1; /* 0: never used */
	struct step_sum *step;

	if (!subject->steps)
		subject->steps = calloc(STEPS, sizeof(*subject->steps));
	if (!subject->steps)
		return;
	step = &subject->steps[number % STEPS];
	if (step->number != number)
		*step = (struct step_sum){.number = number};
	step->attempts += (uint32_t)sum->attempts;
	step->answered += (uint32_t)sum->answered;
	step->rang += (uint32_t)sum->rang;
	step->effective += (uint32_t)sum->effective;
	step->abandoned += (uint32_t)sum->abandoned;
	step->pdd_count += (uint32_t)sum->pdd_count;
	step->talk_ms += sum->talk_ms;
	step->pdd_ms += sum->pdd_ms;
	step->mos_centi += sum->mos_centi;
	step->mos_count += (uint32_t)sum->mos_count;
	step->packets += sum->packets;
	step->lost += sum->lost;
}

/* Records of calls that ended before midnight may come after the first of the new day; so a day
 * goes only when there are later ones in its place, and never before its changes were seen. */
static struct day *day_of(struct subject *subject, const char *name)
{
	size_t last = STATS_DAYS - 1;

	for (size_t i = 0; i < STATS_DAYS; i++)
		if (strcmp(subject->days[i].name, name) == 0)
			return &subject->days[i];
	while (last && subject->days[last].is_changed)
		last--;
	memmove(&subject->days[1], &subject->days[0], last * sizeof(subject->days[0]));
	subject->days[0] = (struct day){0};
	snprintf(subject->days[0].name, sizeof(subject->days[0].name), "%s", name);
	return &subject->days[0];
}

/* The sums of the day, which are about to change. */
static struct stats_tally *change_day(struct stats *stats, struct subject *subject,
				      const char *name)
{
	struct day *day = day_of(subject, name);

	day->is_changed = true;
	if (!subject->is_changed)
		LL_PREPEND2(stats->changed, subject, next_changed);
	subject->is_changed = true;
	return &day->tally;
}

static struct stats_view view_of(const struct subject *subject, const struct day *day)
{
	return (struct stats_view){.scope = subject->scope,
				   .name = subject->name,
				   .total = &subject->total,
				   .day = &day->tally,
				   .day_name = day->name,
				   .cps = subject->cps,
				   .window = subject};
}

struct adding {
	struct stats *stats;
	const char *day;
	uint64_t now_us;
};

static void add_heard(struct stats_sum *sum, const struct heard *heard)
{
	sum->mos_centi += heard->mos_centi > 0 ? (uint64_t)heard->mos_centi : 0;
	sum->mos_count += heard->mos_centi > 0;
	sum->packets += heard->packets > 0 ? (uint64_t)heard->packets : 0;
	sum->lost += heard->lost > 0 ? (uint64_t)heard->lost : 0;
}

static void count(const struct adding *adding, enum stats_scope scope, const char *name,
		  const struct attempt *attempt)
{
	struct subject *subject = subject_of(adding->stats, scope, name);
	struct stats_sum sum = {
		.attempts = 1,
		.answered = attempt->is_answered,
		.rang = attempt->has_rung || attempt->is_answered,
		.effective = is_effective(attempt),
		.abandoned = !attempt->is_answered && strcmp(attempt->cause, "abandoned") == 0,
		.talk_ms = attempt->talk_ms,
		.pdd_ms = attempt->pdd_ms,
		.pdd_count = attempt->has_rung,
	};
	struct stats_tally *day;

	if (!subject)
		return;
	day = change_day(adding->stats, subject, adding->day);
	add_heard(&sum, &attempt->caller);
	add_heard(&sum, &attempt->callee);
	stats_sum_add(&subject->total.sum, &sum);
	stats_sum_add(&day->sum, &sum);
	add_to_step(subject, &sum, adding->now_us);
	if (!attempt->is_answered) {
		stats_count_cause(&subject->total, attempt->cause, 1);
		stats_count_cause(day, attempt->cause, 1);
	}
}

/* "routing-gateway a:503, routing-gateway b:answered" */
static void count_tried(const struct adding *adding, const struct cdr *cdr,
			const struct attempt *last)
{
	static const char prefix[] = "routing-gateway ";
	char text[sizeof(cdr->tried)];
	char *rest = NULL;

	memcpy(text, cdr->tried, sizeof(text));
	text[sizeof(text) - 1] = '\0';
	for (char *word = strtok_r(text, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
		char *outcome;
		struct attempt attempt;

		word += *word == ' ';
		outcome = strrchr(word, ':');
		if (strncmp(word, prefix, sizeof(prefix) - 1) != 0 || !outcome)
			continue;
		*outcome++ = '\0';
		attempt = (struct attempt){.cause = outcome};
		/* Only of the last one, or the one that answered, is more known. */
		if (strcmp(word, cdr->callee_party) == 0) {
			attempt = *last;
			attempt.caller = (struct heard){0};
			attempt.is_answered = strcmp(outcome, "answered") == 0;
			attempt.cause = outcome;
		}
		count(adding, STATS_ROUTING, word + sizeof(prefix) - 1, &attempt);
	}
}

void stats_add(struct stats *stats, const struct cdr *cdr, const char *day, uint64_t now_us)
{
	static const char prefix[] = "mapping-gateway ";
	const struct adding adding = {stats, day, now_us};
	const struct attempt attempt = {
		.is_answered = cdr->answer_ms != 0,
		.has_rung = cdr->ring_ms > 0,
		.talk_ms = cdr->talk_ms > 0 ? (uint64_t)cdr->talk_ms : 0,
		.pdd_ms = cdr->ring_ms > 0 ? (uint64_t)cdr->ring_ms : 0,
		.cause = cdr->cause_name,
		.caller = {cdr->caller_mos, cdr->caller_packets, cdr->caller_lost},
		.callee = {cdr->callee_mos, cdr->callee_packets, cdr->callee_lost},
	};
	struct attempt from;

	from = attempt;
	from.callee = (struct heard){0};
	/* Whoever may not call bends no figure of those who may. */
	if (cdr->billing_mode < 0)
		return;
	pthread_mutex_lock(&stats->lock);
	count(&adding, STATS_TOTAL, "", &attempt);
	if (strncmp(cdr->caller_party, prefix, sizeof(prefix) - 1) == 0)
		count(&adding, STATS_MAPPING, cdr->caller_party + sizeof(prefix) - 1, &from);
	count_tried(&adding, cdr, &attempt);
	pthread_mutex_unlock(&stats->lock);
}

void stats_changes(struct stats *stats, stats_fn *fn, void *context)
{
	pthread_mutex_lock(&stats->lock);
	while (stats->changed) {
		struct subject *subject = stats->changed;

		for (size_t i = 0; i < STATS_DAYS; i++) {
			struct stats_view view = view_of(subject, &subject->days[i]);

			if (subject->days[i].is_changed)
				fn(context, &view);
			subject->days[i].is_changed = false;
		}
		LL_DELETE2(stats->changed, subject, next_changed);
		subject->is_changed = false;
	}
	pthread_mutex_unlock(&stats->lock);
}

void stats_resume(struct stats *stats, enum stats_scope scope, const char *name, const char *day,
		  const struct stats_tally *tally)
{
	struct subject *subject;

	pthread_mutex_lock(&stats->lock);
	subject = subject_of(stats, scope, name);
	if (subject)
		day_of(subject, day)->tally = *tally;
	pthread_mutex_unlock(&stats->lock);
}

void stats_sample(struct stats *stats, const struct stats_sample *sample)
{
	struct subject *subject;

	pthread_mutex_lock(&stats->lock);
	subject = subject_of(stats, sample->scope, sample->name);
	if (subject) {
		subject->cps = sample->cps;
		subject->new_up_ms += sample->up_ms;
		subject->total.up_ms += sample->up_ms;
		if (sample->calls > subject->new_peak)
			subject->new_peak = sample->calls;
		if (sample->calls > subject->total.peak_calls)
			subject->total.peak_calls = sample->calls;
	}
	pthread_mutex_unlock(&stats->lock);
}

void stats_settle(struct stats *stats, const char *day)
{
	struct subject *subject;

	pthread_mutex_lock(&stats->lock);
	for (subject = stats->subjects; subject; subject = subject->hh.next) {
		struct stats_tally *tally;

		if (!subject->new_up_ms && !subject->new_peak)
			continue;
		tally = change_day(stats, subject, day);
		tally->up_ms += subject->new_up_ms;
		if (subject->new_peak > tally->peak_calls)
			tally->peak_calls = subject->new_peak;
		subject->new_up_ms = 0;
		subject->new_peak = 0;
	}
	pthread_mutex_unlock(&stats->lock);
}

void stats_walk(struct stats *stats, stats_fn *fn, void *context)
{
	const struct subject *subject;

	pthread_mutex_lock(&stats->lock);
	for (subject = stats->subjects; subject; subject = subject->hh.next) {
		struct stats_view view = view_of(subject, &subject->days[0]);

		fn(context, &view);
	}
	pthread_mutex_unlock(&stats->lock);
}

void stats_window(const struct stats_view *view, uint32_t window_s, uint64_t now_us,
		  struct stats_sum *out)
{
	const struct subject *subject = view->window;
	uint64_t now = now_us / US_PER_STEP + 1;
	uint64_t steps = (window_s + STATS_STEP_S - 1) / STATS_STEP_S;

	*out = (struct stats_sum){0};
	for (size_t i = 0; subject->steps && i < STEPS; i++) {
		const struct step_sum *step = &subject->steps[i];

		if (!step->number || step->number > now || now - step->number > steps)
			continue;
		stats_sum_add(out, &(struct stats_sum){.attempts = step->attempts,
						       .answered = step->answered,
						       .rang = step->rang,
						       .effective = step->effective,
						       .abandoned = step->abandoned,
						       .talk_ms = step->talk_ms,
						       .pdd_ms = step->pdd_ms,
						       .pdd_count = step->pdd_count,
						       .mos_centi = step->mos_centi,
						       .mos_count = step->mos_count,
						       .packets = step->packets,
						       .lost = step->lost});
	}
}

void stats_read(struct stats *stats, enum stats_scope scope, const char *name, uint32_t window_s,
		uint64_t now_us, struct stats_sum *out)
{
	char key[STATS_NAME_MAX + 1];
	const struct subject *subject;

	*out = (struct stats_sum){0};
	snprintf(key, sizeof(key), "%c%s", "tmr"[scope], name);
	pthread_mutex_lock(&stats->lock);
	HASH_FIND_STR(stats->subjects, key, subject);
	if (subject) {
		struct stats_view view = view_of(subject, &subject->days[0]);

		stats_window(&view, window_s, now_us, out);
	}
	pthread_mutex_unlock(&stats->lock);
}
