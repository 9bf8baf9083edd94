/* load: the load generator. It runs many followers of one server in one thread: it opens them, reads their messages,
 * checks the order, and measures the latency.
 *
 *   load ADDRESS PORT DIALECT        (DIALECT: ticker, ticker-events, plain, socketio, centrifugo, events)
 *
 * It reads commands from standard input, one per line, and answers with one JSON object per line on standard output:
 *
 *   open count=N [window=N] [per_second=N] [stalled=PERCENT] [next=SEQ] [selected=1] [paths=FILE]
 *                        open N more followers, with at most `window` handshakes at a time. Follower i requests
 *                        the path in line (i modulo the number of lines) of FILE. {"event": "open"} when each
 *                        follower is live or has failed
 *   expect deliveries=N  {"event": "reached"} once N lines have been delivered since the last reset
 *   reset | report       reset the counters | {"event": "report", ...}
 *   wake                 make the stalled followers read again
 *   check next=SEQ       {"event": "checked", "count": N}: N live followers expect SEQ as their next line
 *   withdrawals          from now on, also count the lines that are withdrawals
 *   share awake_ms=N     several load generators share this core: after the last event, poll for N ms, and let the
 *                        others run between two polls
 *   close | quit         close all followers | exit (as at the end of standard input)
 *
 * A delivery is one `{"type":"line","position":"<seq>-..."` in a message of any dialect. The sequence numbers of a
 * follower must be contiguous (with selected=1: rising). A gap counts as lost, and a number that was seen before as
 * repeated. The line's text contains `T=<digits>`, nanoseconds of CLOCK_MONOTONIC: the latency is the time since then.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum {
    EVENTS = 512,
    BUFFER_BYTES = 256 * 1024, /* size of one read: small enough for the second-level cache */
    RESPONSE_BYTES = 8 * 1024, /* maximum size of the head of a handshake response */
    PONG_BYTES = 125,
    ADDRESSES = 64, /* followers use 127.1.0.1 to .64: servers limit connections per address, and an address runs out of ports */
    STALLED_RECEIVE_BYTES = 4096,
    AWAKE_NS = 1000 * 1000, /* polling time after the last event, unless `share` sets another */
    SUB_BITS = 6, /* 64 buckets per doubling in a histogram: an error of at most 1.6 % */
    BUCKETS = (64 - SUB_BITS + 1) << SUB_BITS,
};

static const uint64_t SECOND = 1000000000;

struct dialect {
    const char *name;
    const char *hello; /* sent after the handshake, or NULL */
    const char *ready; /* part of the message that ends the opening, or NULL if the handshake ends it */
    const char *ping, *pong; /* messages that keep a connection alive, or NULL */
    bool framed; /* WebSocket; otherwise HTTP with one event per line */
};

static const struct dialect DIALECTS[] = {
    {"ticker", NULL, "{\"type\":\"live\"", NULL, NULL, true},
    {"ticker-events", NULL, "{\"type\":\"live\"", NULL, NULL, false},
    {"plain", NULL, NULL, NULL, NULL, true},
    {"socketio", "40", "40{", "2", "3", true},
    {"centrifugo", "{\"id\":1,\"connect\":{}}\n{\"id\":2,\"subscribe\":{\"channel\":\"ticker\"}}", "\"id\":2", "{}", "{}",
     true},
    {"events", NULL, NULL, NULL, NULL, false},
};

enum state { CONNECTING, UPGRADING, OPENING, LIVE, CLOSED };

struct follower {
    int fd;
    enum state state;
    bool stalled, selected;
    uint64_t next; /* expected sequence number of the next line; 0: unknown */
    uint64_t begun_at;
    char *held; /* start of an incomplete frame */
    size_t held_bytes;
};

struct histogram {
    uint64_t count, max, buckets[BUCKETS];
};

/* The counters that `reset` clears. */
struct counters {
    uint64_t reset_at, first_at, last_at; /* first_at, last_at: of the deliveries */
    uint64_t deliveries, withdrawn, boards, resets, lives, heartbeats, byes, others, lost, repeated, bytes, reads, closed, close_code;
    double polled_s; /* CPU time of polls that found nothing: not counted as work */
    double cpu_s; /* at the reset */
    struct histogram latency, opening;
};

static const struct dialect *dialect;
static struct sockaddr_in server;
static int poller;
static struct follower *followers;
static size_t follower_count; /* followers that were started, of `wanted` */
static size_t wanted, in_flight, ready, refused;
static struct {
    size_t window, per_second, stalled, next, first;
    bool selected, announced;
    uint64_t begun_at;
} opening = {.announced = true};
static char **paths;
static size_t path_count;
static uint64_t expected_deliveries;
static uint64_t awake_ns = AWAKE_NS;
static bool shares_core, counts_withdrawals;
static struct counters counters;
static char buffer[BUFFER_BYTES];
static char refusal[64]; /* first line of the answer to the first refused follower */

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
}

static double cpu_s(void) {
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

static void fail(const char *what) {
    printf("{\"event\": \"failed\", \"detail\": \"%s: %s\"}\n", what, strerror(errno));
    exit(1);
}

/* Histograms: linear below 2^SUB_BITS, then 2^SUB_BITS buckets per doubling. */

static void record(struct histogram *histogram, uint64_t value) {
    size_t bucket = value;
    if (value >> SUB_BITS) {
        int shift = 63 - __builtin_clzll(value) - SUB_BITS;
        bucket = ((size_t)shift << SUB_BITS) + (size_t)(value >> shift);
    }
    histogram->buckets[bucket]++;
    histogram->count++;
    if (value > histogram->max)
        histogram->max = value;
}

/* Returns the upper end of the bucket with the value of that rank, but at most the maximum. */
static uint64_t quantile(const struct histogram *histogram, double share) {
    uint64_t rank = (uint64_t)(share * (double)histogram->count), seen = 0;
    for (size_t bucket = 0; bucket < BUCKETS; bucket++) {
        seen += histogram->buckets[bucket];
        if (seen > rank) {
            size_t shift = bucket >> SUB_BITS ? (bucket >> SUB_BITS) - 1 : 0;
            uint64_t end = (((uint64_t)bucket - ((uint64_t)shift << SUB_BITS) + 1) << shift) - 1;
            return end < histogram->max ? end : histogram->max;
        }
    }
    return histogram->max;
}

static void print_histogram(const char *name, const struct histogram *histogram) {
    printf(", \"%s\": {\"count\": %lu, \"p50\": %lu, \"p90\": %lu, \"p99\": %lu, \"max\": %lu}", name, histogram->count,
           quantile(histogram, 0.50), quantile(histogram, 0.90), quantile(histogram, 0.99), histogram->max);
}

/* The end of a follower. */

static void remember_refusal(const char *answer, size_t bytes) {
    for (size_t i = 0; !refused && i < sizeof refusal - 1; i++) {
        bool shown = i < bytes && answer[i] >= ' ' && answer[i] <= '~' && answer[i] != '"' && answer[i] != '\\';
        refusal[i] = shown ? answer[i] : '\0';
        if (!shown)
            return;
    }
}

static void drop(struct follower *follower) {
    if (follower->state == CLOSED)
        return;
    if (follower->state == LIVE)
        counters.closed++;
    else {
        in_flight--;
        refused++;
    }
    close(follower->fd);
    free(follower->held);
    follower->held = NULL;
    follower->held_bytes = 0;
    follower->state = CLOSED;
}

/* Sends a frame to the server. Client frames must be masked: a mask of zeros leaves the payload unchanged. */
static void send_frame(struct follower *follower, int opcode, const char *payload, size_t bytes) {
    char frame[6 + PONG_BYTES] = {(char)(0x80 | opcode), (char)(0x80 | bytes)};
    if (bytes > PONG_BYTES)
        return;
    memcpy(frame + 6, payload, bytes);
    if (send(follower->fd, frame, 6 + bytes, MSG_NOSIGNAL) < 0)
        drop(follower);
}

static void watch(struct follower *follower, int operation, uint32_t events) {
    struct epoll_event event = {.events = events, .data.u64 = (uint64_t)(follower - followers) + 1};
    if (epoll_ctl(poller, operation, follower->fd, &event) < 0)
        fail("epoll_ctl");
}

static void go_live(struct follower *follower, uint64_t now) {
    if (follower->state != OPENING)
        return;
    follower->state = LIVE;
    in_flight--;
    ready++;
    record(&counters.opening, now - follower->begun_at);
    if (follower->stalled)
        watch(follower, EPOLL_CTL_MOD, 0);
}

/* Messages. */

static const char *find(const char *text, const char *end, const char *part) {
    return text < end ? memmem(text, (size_t)(end - text), part, strlen(part)) : NULL;
}

static bool begins(const char *text, const char *end, const char *part) {
    size_t bytes = strlen(part);
    return (size_t)(end - text) >= bytes && memcmp(text, part, bytes) == 0;
}

static uint64_t digits(const char *text, const char *end) {
    uint64_t value = 0;
    for (; text < end && *text >= '0' && *text <= '9'; text++)
        value = value * 10 + (uint64_t)(*text - '0');
    return value;
}

static void check_order(struct follower *follower, uint64_t seq) {
    if (follower->next && seq < follower->next) {
        counters.repeated++;
        return;
    }
    if (follower->next && !follower->selected)
        counters.lost += seq - follower->next;
    follower->next = seq + 1;
}

/* `text` is the rest after `"type":"line","position":"`. The timestamp is nearly always at the same offset as in the
 * previous line. At ten million lines per second, a search would cost more than everything else. */
static void take_line(struct follower *follower, const char *text, const char *end, uint64_t now) {
    static size_t stamp_offset;
    check_order(follower, digits(text, end));
    if (counters.deliveries++ == 0)
        counters.first_at = now;
    counters.last_at = now;
    if (counts_withdrawals)
        counters.withdrawn += find(text, end, "\"status\":\"canceled\"") && find(text, end, "\"text\":\"\"");
    if (follower->state != LIVE)
        return; /* replayed */
    const char *stamp = text + stamp_offset;
    if (end - stamp < 2 || stamp[0] != 'T' || stamp[1] != '=') {
        stamp = find(text, end, "T=");
        if (!stamp)
            return;
        stamp_offset = (size_t)(stamp - text);
    }
    uint64_t posted_at = digits(stamp + 2, end);
    record(&counters.latency, now > posted_at ? now - posted_at : 0);
}

/* `text` starts with the name of the type. Returns where the search for the next message continues. */
static const char *take_kind(struct follower *follower, const char *text, const char *end, uint64_t now) {
    if (begins(text, end, "line\",\"position\":\"")) {
        take_line(follower, text + 18, end, now);
    } else if (begins(text, end, "live\",\"position\":\"")) {
        counters.lives++;
        check_order(follower, digits(text + 18, end) + 1);
        follower->next = digits(text + 18, end) + 1;
    } else if (begins(text, end, "board\",\"position\":\"")) {
        counters.boards++;
        counters.resets += find(text, end, "\"reset\":\"") != NULL;
        follower->next = digits(text + 19, end) + 1;
    } else if (begins(text, end, "heartbeat\",\"position\":\"")) {
        counters.heartbeats++;
        uint64_t next = digits(text + 23, end) + 1;
        if (follower->next && next > follower->next && !follower->selected)
            counters.lost += next - follower->next;
    } else if (begins(text, end, "bye")) {
        counters.byes++;
    } else {
        counters.others++;
    }
    return text + 4;
}

static void take_message(struct follower *follower, const char *text, size_t bytes, uint64_t now) {
    const char *end = text + bytes;
    if (dialect->ping && bytes == strlen(dialect->ping) && begins(text, end, dialect->ping)) {
        send_frame(follower, 1, dialect->pong, strlen(dialect->pong));
        return;
    }
    if (!dialect->framed) { /* a line of an event */
        if (!begins(text, end, "data: "))
            return;
        text += 6;
    }
    if (begins(text, end, "{\"type\":\"")) { /* one message: Ticker's format */
        take_kind(follower, text + 9, end, now);
    } else { /* wrapped, perhaps several messages */
        for (const char *at = text; (at = find(at, end, "\"type\":\"")) != NULL;)
            at = take_kind(follower, at + 8, end, now);
    }
    if (follower->state == OPENING && dialect->ready && find(text, end, dialect->ready))
        go_live(follower, now);
}

static void take_frame(struct follower *follower, int opcode, const char *payload, size_t bytes, uint64_t now) {
    if (opcode == 1 || opcode == 2) {
        take_message(follower, payload, bytes, now);
    } else if (opcode == 8) {
        counters.close_code = bytes < 2 ? 1005 : (uint64_t)(uint8_t)payload[0] << 8 | (uint8_t)payload[1];
        drop(follower);
    } else if (opcode == 9) {
        send_frame(follower, 10, payload, bytes);
    } else {
        counters.others++;
    }
}

/* Each of these functions processes complete messages, and returns the number of bytes that it processed. */

static size_t take_frames(struct follower *follower, const char *data, size_t bytes, uint64_t now) {
    size_t taken = 0;
    while (bytes - taken >= 2 && follower->state != CLOSED) {
        const uint8_t *head = (const uint8_t *)data + taken;
        size_t head_bytes = head[1] == 126 ? 4 : head[1] == 127 ? 10 : 2;
        uint64_t length = head_bytes == 2 ? head[1] : 0;
        if (bytes - taken < head_bytes)
            break;
        for (size_t i = 2; i < head_bytes; i++)
            length = length << 8 | head[i];
        if (bytes - taken - head_bytes < length)
            break;
        take_frame(follower, head[0] & 15, data + taken + head_bytes, length, now);
        taken += head_bytes + length;
    }
    return taken;
}

static size_t take_events(struct follower *follower, const char *data, size_t bytes, uint64_t now) {
    size_t taken = 0;
    const char *end;
    while ((end = memchr(data + taken, '\n', bytes - taken)) != NULL) {
        take_message(follower, data + taken, (size_t)(end - data) - taken, now);
        taken = (size_t)(end - data) + 1;
    }
    return taken;
}

static size_t take_response(struct follower *follower, const char *data, size_t bytes, uint64_t now) {
    const char *end = find(data, data + bytes, "\r\n\r\n");
    if (!end) {
        if (bytes > RESPONSE_BYTES)
            drop(follower);
        return 0;
    }
    if (!begins(data, end, dialect->framed ? "HTTP/1.1 101 " : "HTTP/1.1 200 ")) {
        remember_refusal(data, (size_t)(end - data));
        drop(follower);
        return 0;
    }
    follower->state = OPENING;
    if (dialect->hello)
        send_frame(follower, 1, dialect->hello, strlen(dialect->hello));
    if (!dialect->ready)
        go_live(follower, now);
    return (size_t)(end - data) + 4;
}

static void keep(struct follower *follower, const char *data, size_t bytes) {
    free(follower->held);
    follower->held = NULL;
    follower->held_bytes = bytes;
    if (bytes && !(follower->held = malloc(bytes)))
        fail("malloc");
    if (bytes)
        memcpy(follower->held, data, bytes);
}

static void read_follower(struct follower *follower) {
    size_t have = follower->held_bytes;
    if (have)
        memcpy(buffer, follower->held, have);
    ssize_t got = recv(follower->fd, buffer + have, sizeof buffer - have, 0);
    if (got <= 0) {
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        const char *reason = got == 0 ? "closed" : strerror(errno);
        remember_refusal(reason, strlen(reason));
        drop(follower);
        return;
    }
    uint64_t now = now_ns();
    size_t bytes = have + (size_t)got, taken = 0;
    counters.reads++;
    counters.bytes += (uint64_t)got;
    if (follower->state == UPGRADING)
        taken = take_response(follower, buffer, bytes, now);
    if (follower->state == OPENING || follower->state == LIVE)
        taken += (dialect->framed ? take_frames : take_events)(follower, buffer + taken, bytes - taken, now);
    if (follower->state == CLOSED)
        return;
    if (bytes - taken == sizeof buffer) {
        drop(follower); /* the message is too large */
        return;
    }
    keep(follower, buffer + taken, bytes - taken);
}

/* Opening followers. The key is the sample of RFC 6455: it needs no secrecy, and the C yardstick knows its answer. */

static void send_request(struct follower *follower) {
    char request[2048];
    const char *path = path_count ? paths[(size_t)(follower - followers - (long)opening.first) % path_count] : "/";
    int bytes = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: %s:%d\r\n%s\r\n", path,
                         inet_ntoa(server.sin_addr), ntohs(server.sin_port),
                         dialect->framed ? "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                                         : "Accept: text/event-stream\r\n");
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(follower->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error || send(follower->fd, request, (size_t)bytes, MSG_NOSIGNAL) != bytes) {
        drop(follower);
        return;
    }
    follower->state = UPGRADING;
    watch(follower, EPOLL_CTL_MOD, EPOLLIN);
}

static void begin_follower(struct follower *follower) {
    size_t number = (size_t)(follower - followers);
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f010001 + number % ADDRESSES)};
    int yes = 1, small = STALLED_RECEIVE_BYTES;
    struct linger at_once = {.l_onoff = 1, .l_linger = 0}; /* close with a reset, so that no port stays in TIME_WAIT */
    *follower = (struct follower){
        .fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0),
        .state = CONNECTING,
        .stalled = number * opening.stalled % 100 < opening.stalled,
        .selected = opening.selected,
        .next = opening.next,
        .begun_at = now_ns(),
    };
    if (follower->fd < 0)
        fail("socket");
    setsockopt(follower->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    setsockopt(follower->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
    if (follower->stalled)
        setsockopt(follower->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    in_flight++;
    if (bind(follower->fd, (struct sockaddr *)&from, sizeof from) < 0 ||
        (connect(follower->fd, (struct sockaddr *)&server, sizeof server) < 0 && errno != EINPROGRESS)) {
        drop(follower);
        return;
    }
    watch(follower, EPOLL_CTL_ADD, EPOLLOUT);
}

static void open_more(void) {
    uint64_t allowed = wanted;
    if (opening.per_second)
        allowed = opening.first + (now_ns() - opening.begun_at) * opening.per_second / SECOND;
    while (follower_count < wanted && follower_count < allowed && in_flight < opening.window)
        begin_follower(&followers[follower_count++]);
    if (!opening.announced && follower_count == wanted && in_flight == 0) {
        opening.announced = true;
        printf("{\"event\": \"open\", \"ready\": %zu, \"refused\": %zu, \"refusal\": \"%s\", \"seconds\": %.6f", ready,
               refused, refusal, (double)(now_ns() - opening.begun_at) / 1e9);
        print_histogram("opening", &counters.opening);
        puts("}");
    }
}

/* Commands. */

static size_t number_of(const char *command, const char *key, size_t otherwise) {
    const char *at = strstr(command, key);
    return at ? strtoull(at + strlen(key), NULL, 10) : otherwise;
}

static void read_paths(const char *name) {
    FILE *file = fopen(name, "r");
    char line[1024];
    if (!file)
        fail(name);
    while (path_count)
        free(paths[--path_count]);
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        paths = realloc(paths, (path_count + 1) * sizeof *paths);
        paths[path_count++] = strdup(line);
    }
    fclose(file);
}

static void open_followers(const char *command) {
    const char *file = strstr(command, " paths=");
    if (file)
        read_paths(file + 7);
    opening.first = follower_count;
    wanted += number_of(command, " count=", 0);
    opening.window = number_of(command, " window=", 256);
    opening.per_second = number_of(command, " per_second=", 0);
    opening.stalled = number_of(command, " stalled=", 0);
    opening.next = number_of(command, " next=", 0);
    opening.selected = number_of(command, " selected=", 0) != 0;
    opening.begun_at = now_ns();
    opening.announced = false;
    followers = realloc(followers, wanted * sizeof *followers);
}

static void reset_counters(void) {
    memset(&counters, 0, sizeof counters);
    counters.reset_at = now_ns();
    counters.cpu_s = cpu_s();
}

static void report(void) {
    printf("{\"event\": \"report\", \"seconds\": %.6f, \"cpu_s\": %.6f, \"live\": %zu, \"refused\": %zu",
           (double)(now_ns() - counters.reset_at) / 1e9, cpu_s() - counters.cpu_s - counters.polled_s, ready, refused);
    printf(", \"deliveries\": %lu, \"withdrawn\": %lu", counters.deliveries, counters.withdrawn);
    printf(", \"lost\": %lu, \"repeated\": %lu, \"boards\": %lu, \"resets\": %lu, \"lives\": %lu", counters.lost,
            counters.repeated, counters.boards, counters.resets, counters.lives);
    printf(", \"heartbeats\": %lu, \"byes\": %lu, \"others\": %lu, \"closed\": %lu, \"close_code\": %lu, \"bytes\": %lu",
           counters.heartbeats, counters.byes, counters.others, counters.closed, counters.close_code, counters.bytes);
    printf(", \"reads\": %lu, \"first_at\": %lu, \"last_at\": %lu", counters.reads, counters.first_at, counters.last_at);
    print_histogram("latency", &counters.latency);
    print_histogram("opening", &counters.opening);
    puts("}");
}

static void wake(void) {
    for (struct follower *follower = followers; follower < followers + follower_count; follower++) {
        if (follower->stalled && follower->state == LIVE) {
            follower->stalled = false;
            watch(follower, EPOLL_CTL_MOD, EPOLLIN);
        }
    }
}

static void count_up_to_date(uint64_t next) {
    size_t count = 0;
    for (struct follower *follower = followers; follower < followers + follower_count; follower++)
        count += follower->state == LIVE && follower->next == next;
    printf("{\"event\": \"checked\", \"count\": %zu}\n", count);
}

static void share_core(const char *command) {
    shares_core = true;
    awake_ns = number_of(command, " awake_ms=", 1) * 1000 * 1000;
}

static void close_followers(void) {
    for (struct follower *follower = followers; follower < followers + follower_count; follower++)
        drop(follower);
    follower_count = wanted = in_flight = ready = refused = 0;
    opening.announced = true;
}

static void obey(const char *command) {
    if (begins(command, command + strlen(command), "open"))
        open_followers(command);
    else if (begins(command, command + strlen(command), "expect"))
        expected_deliveries = number_of(command, " deliveries=", 0);
    else if (strcmp(command, "reset") == 0)
        reset_counters();
    else if (strcmp(command, "report") == 0)
        report();
    else if (strcmp(command, "wake") == 0)
        wake();
    else if (begins(command, command + strlen(command), "check"))
        count_up_to_date(number_of(command, " next=", 0));
    else if (begins(command, command + strlen(command), "share"))
        share_core(command);
    else if (strcmp(command, "withdrawals") == 0)
        counts_withdrawals = true;
    else if (strcmp(command, "close") == 0)
        close_followers();
    else if (strcmp(command, "quit") == 0)
        exit(0);
    else
        printf("{\"event\": \"failed\", \"detail\": \"no such command\"}\n");
}

static void read_commands(void) {
    static char text[4096];
    static size_t bytes;
    ssize_t got = read(STDIN_FILENO, text + bytes, sizeof text - bytes);
    char *end;
    if (got <= 0)
        exit(0);
    bytes += (size_t)got;
    while ((end = memchr(text, '\n', bytes)) != NULL) {
        *end = '\0';
        obey(text);
        bytes -= (size_t)(end + 1 - text);
        memmove(text, end + 1, bytes);
    }
}

/* Commands run after the followers' events of the same wait, so that a `close` can't free followers that are in use.
 *
 * While there is traffic, the loop polls instead of sleeping. On one machine, the sender pays for waking up a reader,
 * two microseconds or more. With readers on other machines, no server pays that. */
static void run(void) {
    struct epoll_event events[EVENTS];
    uint64_t sleep_at = 0;
    double idle_from = -1; /* CPU time at the first poll that found nothing */
    for (;;) {
        bool awake = now_ns() < sleep_at, pacing = opening.per_second && follower_count < wanted;
        int count = epoll_wait(poller, events, EVENTS, awake ? 0 : pacing ? 1 : -1);
        bool commanded = false;
        if (count)
            sleep_at = now_ns() + awake_ns;
        else if (awake && shares_core)
            sched_yield();
        if (!count && awake && idle_from < 0) {
            idle_from = cpu_s();
        } else if (count && idle_from >= 0) {
            counters.polled_s += cpu_s() - idle_from;
            idle_from = -1;
        }
        for (int i = 0; i < count; i++) {
            struct follower *follower = followers + events[i].data.u64 - 1;
            if (events[i].data.u64 == 0)
                commanded = true;
            else if (follower->state == CONNECTING)
                send_request(follower);
            else if (follower->stalled && follower->state == LIVE)
                drop(follower); /* it reads nothing, so this event is the end of its connection */
            else if (follower->state != CLOSED)
                read_follower(follower);
        }
        if (commanded)
            read_commands();
        open_more();
        if (expected_deliveries && counters.deliveries >= expected_deliveries) {
            expected_deliveries = 0;
            puts("{\"event\": \"reached\"}");
        }
    }
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; argc == 4 && i < sizeof DIALECTS / sizeof *DIALECTS; i++)
        if (strcmp(argv[3], DIALECTS[i].name) == 0)
            dialect = &DIALECTS[i];
    if (!dialect || inet_pton(AF_INET, argv[1], &server.sin_addr) != 1) {
        fprintf(stderr, "usage: load ADDRESS PORT ticker|ticker-events|plain|socketio|centrifugo|events\n");
        return 2;
    }
    server.sin_family = AF_INET;
    server.sin_port = htons((uint16_t)atoi(argv[2]));
    poller = epoll_create1(0);
    struct epoll_event commands = {.events = EPOLLIN, .data.u64 = 0};
    if (poller < 0 || epoll_ctl(poller, EPOLL_CTL_ADD, STDIN_FILENO, &commands) < 0)
        fail("epoll");
    reset_counters();
    run();
}
