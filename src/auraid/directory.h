/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file directory.h  Who has an AuraID here, and what belongs to it, in a SQLite file.
 *
 * An identity is what several proofs lead to: (provider, subject) pairs such as
 * ("livekit/KEY", "identity") or ("matrix", "@bob:example.org"). The first join with a proof makes
 * the identity; more proofs can be linked to it later.
 *
 * Threading: one thread. Blocking, but only on the local file (µs): docs/auraid.md has the figures.
 */
#ifndef AURA_AURAID_DIRECTORY_H
#define AURA_AURAID_DIRECTORY_H

#include "auraid/name.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/rand.h"

enum {
    AURA_DIRECTORY_TEXT_MAX = 256,   /* bytes of a display name, a subject, a push address */
    AURA_DIRECTORY_DEVICES_MAX = 32, /* of one identity; the one seen longest ago goes */
    AURA_DIRECTORY_LINKS_MAX = 32,   /* proofs of one identity */
    AURA_DIRECTORY_CONTACTS_MAX = 5000,
    AURA_DIRECTORY_EVENTS_MAX = 10000,   /* of Matrix, that are known as seen; the oldest go */
    AURA_DIRECTORY_ROOMS_MAX = 200,      /* of Matrix, that an identity's ghost is in */
    AURA_DIRECTORY_ROOM_PEOPLE_MAX = 32, /* ghosts of one room that a call of it rings */
    AURA_DIRECTORY_MISSED_MAX = 100,     /* calls that one identity missed; the oldest go */
};

struct aura_directory;

enum aura_privacy { AURA_PRIVACY_EVERYONE, AURA_PRIVACY_CONTACTS, AURA_PRIVACY_NOBODY };
enum aura_id_kind { AURA_ID_USER, AURA_ID_AGENT };
enum aura_stance { AURA_STANCE_NONE, AURA_STANCE_ALLOW, AURA_STANCE_BLOCK };

/** Strings are borrowed until the directory's next call. */
struct aura_identity {
    struct aura_id id;
    const char *display, *home_region; /* "" = none */
    enum aura_id_kind kind;
    enum aura_privacy privacy; /* who may find and ring it */
    bool aic_off;
    uint64_t created_us; /* since the Unix epoch */
};

struct aura_proof {
    const char *provider, *subject;
};

struct aura_device {
    const char *id, *app; /* `app` is an API key */
    const char *push;     /* what the app's own push service knows it by; "" = none */
    uint64_t seen_us;
};

struct aura_directory_conf {
    const char *path; /* ":memory:" = forgotten at the end */
    uint64_t max_identities;
    uint64_t
        max_share; /* of those, that one app may have made, or all of Matrix; 0 = all of them */
    const struct aura_clock *clock;
    struct aura_rand *rand;
};

/** @param why  what is wrong, for a person. @return as aura_sql_open() */
AURA_NODISCARD int aura_directory_open(struct aura_directory **dp,
                                       const struct aura_directory_conf *conf,
                                       struct aura_buf *why);
struct aura_directory *aura_directory_close(struct aura_directory *d);
/**
 * What is read until the release is of one moment, and costs a fraction; a change ends it. For one
 * request, never longer than a turn of the loop (base/sql.h).
 */
void aura_directory_hold(struct aura_directory *d);
void aura_directory_release(struct aura_directory *d);

uint64_t aura_directory_count(const struct aura_directory *d);
/** See max_share; what is there stays. */
void aura_directory_set_share(struct aura_directory *d, uint64_t max_share);

/**
 * The identity that a proof leads to, made if there is none: named after @p hint (an identity, a
 * localpart), with a tag where that name is taken.
 * @param display  of a new one. @param created  it was made now
 * @return 0, AURA_ELIMIT (max_identities, max_share), AURA_EINVAL (texts too long or empty),
 * AURA_EPOLICY (a subject that reads as an AuraID, and was not linked to it), AURA_EIO
 */
AURA_NODISCARD int aura_directory_join(struct aura_directory *d, const struct aura_proof *proof,
                                       const char *hint, const char *display,
                                       enum aura_id_kind kind, struct aura_identity *out,
                                       bool *created);
/** @return 0, AURA_ENOENT, AURA_EIO */
AURA_NODISCARD int aura_directory_get(struct aura_directory *d, const struct aura_id *id,
                                      struct aura_identity *out);
AURA_NODISCARD int aura_directory_find(struct aura_directory *d, const struct aura_proof *proof,
                                       struct aura_identity *out);
/** Has it a proof of that provider? @return 0, AURA_ENOENT, AURA_EIO */
AURA_NODISCARD int aura_directory_known_by(struct aura_directory *d, const struct aura_id *id,
                                           const char *provider);
/**
 * Those with a proof of that provider, in the order of their names, behind @p after ("" = from the
 * first one on). Strings are borrowed inside @p fn, which asks nothing of the directory.
 */
AURA_NODISCARD int aura_directory_known(struct aura_directory *d, const char *provider,
                                        const char *after, size_t limit,
                                        void (*fn)(void *arg, const struct aura_identity *who),
                                        void *arg);
/** Takes over all but id, kind and time. @return 0, AURA_ENOENT, AURA_EINVAL, AURA_EIO */
AURA_NODISCARD int aura_directory_update(struct aura_directory *d, const struct aura_identity *to);
/** Another proof. @return 0, AURA_EEXISTS (it leads elsewhere), AURA_ENOENT, AURA_ELIMIT, … */
AURA_NODISCARD int aura_directory_link(struct aura_directory *d, const struct aura_id *id,
                                       const struct aura_proof *proof);
/** @return 0, AURA_ENOENT, AURA_ESTATE (its last one: nobody could come back), AURA_EIO */
AURA_NODISCARD int aura_directory_unlink(struct aura_directory *d, const struct aura_id *id,
                                         const struct aura_proof *proof);

/** All its proofs, in the order of their names. Strings are borrowed inside @p fn. */
AURA_NODISCARD int aura_directory_links(struct aura_directory *d, const struct aura_id *id,
                                        void (*fn)(void *arg, const struct aura_proof *proof),
                                        void *arg);

/** Adds or renews; beyond the ceiling the one seen longest ago goes. @return 0, AURA_EINVAL, … */
AURA_NODISCARD int aura_directory_device(struct aura_directory *d, const struct aura_id *id,
                                         const char *app, const char *device, const char *push);
AURA_NODISCARD int aura_directory_forget_device(struct aura_directory *d, const struct aura_id *id,
                                                const char *app, const char *device);
/** Those seen last come first. Strings are borrowed inside @p fn. @return 0 or AURA_EIO */
AURA_NODISCARD int aura_directory_devices(struct aura_directory *d, const struct aura_id *id,
                                          void (*fn)(void *arg, const struct aura_device *device),
                                          void *arg);

/** @return 0, AURA_ELIMIT, AURA_EIO. Nobody need exist: one may block whom one has never met. */
AURA_NODISCARD int aura_directory_set_stance(struct aura_directory *d, const struct aura_id *id,
                                             const struct aura_id *other, enum aura_stance stance);
AURA_NODISCARD int aura_directory_stance(struct aura_directory *d, const struct aura_id *id,
                                         const struct aura_id *other, enum aura_stance *out);
/** Towards whom it has that stance, in the order of their names. @return 0 or AURA_EIO */
AURA_NODISCARD int aura_directory_stances(struct aura_directory *d, const struct aura_id *id,
                                          enum aura_stance stance,
                                          void (*fn)(void *arg, const struct aura_id *other),
                                          void *arg);
/** May @p caller ring @p callee? @return 0, AURA_ENOENT (also where it may not know), AURA_EIO */
AURA_NODISCARD int aura_directory_may_ring(struct aura_directory *d, const struct aura_id *caller,
                                           const struct aura_id *callee);

/** A call that nobody answered. Texts are borrowed. */
struct aura_missed {
    const char *call, *reason;
    struct aura_id caller;
    bool video;
    uint64_t at_us; /* since the Unix epoch */
};
/** Keeps it; of many the oldest go. @return 0, AURA_ENOENT (nobody of that name), AURA_EIO */
AURA_NODISCARD int aura_directory_add_missed(struct aura_directory *d, const struct aura_id *id,
                                             const struct aura_missed *missed);
/** The newest first; @p fn must not call the directory. @return 0 or AURA_EIO */
AURA_NODISCARD int aura_directory_missed(struct aura_directory *d, const struct aura_id *id,
                                         void (*fn)(void *arg, const struct aura_missed *missed),
                                         void *arg);
AURA_NODISCARD int aura_directory_forget_missed(struct aura_directory *d, const struct aura_id *id);
/** An event of Matrix is to be acted on. @return 0: for the first time, AURA_EEXISTS, AURA_EIO */
AURA_NODISCARD int aura_directory_event(struct aura_directory *d, const char *event);
/** Its ghost is in a room of Matrix.
 * @param peer  whom it is with, if it is a direct one; "" = that is as it was
 * @return 0, AURA_ELIMIT, AURA_ENOENT (nobody of that name), AURA_EIO */
AURA_NODISCARD int aura_directory_enter_room(struct aura_directory *d, const struct aura_id *id,
                                             const char *room, const char *peer);
/** @return 0, also if it was not there; AURA_EIO */
AURA_NODISCARD int aura_directory_leave_room(struct aura_directory *d, const struct aura_id *id,
                                             const char *room);
/** Whose ghosts are there. @return 0 or AURA_EIO */
AURA_NODISCARD int aura_directory_in_room(struct aura_directory *d, const char *room,
                                          struct aura_id out[AURA_DIRECTORY_ROOM_PEOPLE_MAX],
                                          size_t *count);
/** The direct room with somebody of Matrix. @return 0, AURA_ENOENT, AURA_EIO */
AURA_NODISCARD int aura_directory_direct_room(struct aura_directory *d, const struct aura_id *id,
                                              const char *peer,
                                              char out[AURA_DIRECTORY_TEXT_MAX + 1]);

/** A ghost whose person is no more: what it is at the homeserver is still to be ended. Its name is
 * kept for so long. @return 0 or AURA_EIO */
AURA_NODISCARD int aura_directory_add_gone(struct aura_directory *d, const struct aura_id *id);
/** One of them. @return 0, AURA_ENOENT, AURA_EIO */
AURA_NODISCARD int aura_directory_gone(struct aura_directory *d, struct aura_id *out);
AURA_NODISCARD int aura_directory_drop_gone(struct aura_directory *d, const struct aura_id *id);

/** What proves it; @p fn must not call the directory. @return 0 or AURA_EIO */
AURA_NODISCARD int aura_directory_proofs(struct aura_directory *d, const struct aura_id *id,
                                         void (*fn)(void *arg, const struct aura_proof *proof),
                                         void *arg);

/** All that is kept of a person, as one JSON object. @return 0, AURA_ENOENT, AURA_EIO, … */
AURA_NODISCARD int aura_directory_export(struct aura_directory *d, const struct aura_id *id,
                                         struct aura_buf *json);
/** All of it goes, also where others keep the name as a contact. @return 0, AURA_ENOENT, AURA_EIO
 */
AURA_NODISCARD int aura_directory_delete(struct aura_directory *d, const struct aura_id *id);

#endif
