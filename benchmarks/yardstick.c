/* yardstick: the least that a server can do. It sends the same frame to each connection in turn, with send(2).
 *
 *   yardstick PORT [join|shared|replay FILE]
 *
 * It listens on 127.0.0.1, prints `ready`, and upgrades every request. The client must use the sample key of RFC 6455, as
 * `load` does, because the answer to it is fixed. Each line of standard input is sent as a text message to every
 * connection, with one send(2) per message and connection. With `join`, lines that arrive together are sent in one
 * send(2). With `shared`, several of these processes listen on the port. It exits at the end of standard input.
 *
 * With `replay`, it is the least that a server can do when followers reconnect: it reads the request, computes the answer to
 * its key, sends that together with the bytes of FILE (what the followers missed), and closes as the peer closes.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { EVENTS = 512, CONNECTIONS = 65536, INPUT_BYTES = 1 << 20, BACKLOG = 4096, BLOCKED_MS = 5000 };

#define HEAD "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
static const char RESPONSE[] = HEAD "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
static const char KEY[] = "\r\nSec-WebSocket-Key: ", GUID[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

static int poller, listener;
static int connections[CONNECTIONS]; /* descriptors, from 0 to connection_count */
static size_t connection_count, place[CONNECTIONS]; /* a descriptor's index in `connections` */
static char replay[INPUT_BYTES];
static size_t replay_bytes; /* 0: answer with RESPONSE only */

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void watch(int fd) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) < 0)
        fail("epoll_ctl");
}

static void accept_all(void) {
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        if (fd >= CONNECTIONS) {
            close(fd);
            continue;
        }
        place[fd] = CONNECTIONS;
        watch(fd);
    }
}

static void drop(int fd) {
    if (place[fd] < CONNECTIONS) {
        int last = connections[--connection_count];
        connections[place[fd]] = last;
        place[last] = place[fd];
    }
    close(fd);
}

static uint32_t turned(uint32_t value, int bits) { return value << bits | value >> (32 - bits); }

/* SHA-1 (RFC 3174) of the 60 bytes of a key and the GUID: with the padding, two blocks. */
static void hash(const uint8_t text[60], uint32_t state[5]) {
    uint8_t padded[128] = {[60] = 0x80, [126] = 60 * 8 >> 8, [127] = 60 * 8 & 255};
    const uint32_t start[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    memcpy(padded, text, 60);
    memcpy(state, start, sizeof start);
    for (const uint8_t *block = padded; block < padded + sizeof padded; block += 64) {
        uint32_t words[80], a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
        for (int i = 0; i < 16; i++)
            words[i] = (uint32_t)block[4 * i] << 24 | block[4 * i + 1] << 16 | block[4 * i + 2] << 8 | block[4 * i + 3];
        for (int i = 16; i < 80; i++)
            words[i] = turned(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1);
        for (int i = 0; i < 80; i++) {
            uint32_t mixed = i < 20   ? ((b & c) | (~b & d)) + 0x5a827999
                             : i < 40 ? (b ^ c ^ d) + 0x6ed9eba1
                             : i < 60 ? ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc
                                      : (b ^ c ^ d) + 0xca62c1d6;
            uint32_t next = turned(a, 5) + mixed + e + words[i];
            e = d, d = c, c = turned(b, 30), b = a, a = next;
        }
        state[0] += a, state[1] += b, state[2] += c, state[3] += d, state[4] += e;
    }
}

/* Writes the 28 characters of `Sec-WebSocket-Accept` (RFC 6455, 4.2.2) for a key of 24 characters. */
static void answer_key(const char *key, char *to) {
    static const char LETTERS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t text[60], bytes[21] = {0};
    uint32_t state[5];
    memcpy(text, key, 24);
    memcpy(text + 24, GUID, 36);
    hash(text, state);
    for (int i = 0; i < 20; i++)
        bytes[i] = (uint8_t)(state[i / 4] >> (24 - i % 4 * 8));
    for (int i = 0; i < 7; i++) {
        uint32_t three = (uint32_t)bytes[3 * i] << 16 | bytes[3 * i + 1] << 8 | bytes[3 * i + 2];
        for (int j = 0; j < 4; j++)
            to[4 * i + j] = LETTERS[three >> (18 - 6 * j) & 63];
    }
    to[27] = '=';
}

/* Returns whether the request has a key, and the socket has accepted the answer and the replay. */
static bool answer_with_replay(int fd, const char *request, size_t bytes) {
    char response[sizeof RESPONSE];
    struct iovec parts[] = {{response, sizeof RESPONSE - 1}, {replay, replay_bytes}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    const char *key = memmem(request, bytes, KEY, sizeof KEY - 1);
    if (!key || request + bytes - key < (ssize_t)sizeof KEY - 1 + 24 || memcmp(request + bytes - 4, "\r\n\r\n", 4))
        return false;
    memcpy(response, RESPONSE, sizeof RESPONSE);
    answer_key(key + sizeof KEY - 1, response + sizeof HEAD - 1);
    return sendmsg(fd, &message, MSG_NOSIGNAL) == (ssize_t)(sizeof RESPONSE - 1 + replay_bytes);
}

static void read_connection(int fd) {
    char scratch[4096];
    ssize_t got = recv(fd, scratch, sizeof scratch, 0);
    if (got <= 0) {
        if (got == 0 || errno != EAGAIN)
            drop(fd);
    } else if (place[fd] == CONNECTIONS) { /* `load` sends its request in one piece */
        if (replay_bytes ? !answer_with_replay(fd, scratch, (size_t)got)
                         : send(fd, RESPONSE, sizeof RESPONSE - 1, MSG_NOSIGNAL) < 0) {
            drop(fd);
            return;
        }
        place[fd] = connection_count;
        connections[connection_count++] = fd;
    }
}

/* Waits if the socket is full, because this server has no write buffer. */
static void send_all(int fd, const uint8_t *data, size_t bytes) {
    while (bytes) {
        ssize_t sent = send(fd, data, bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
        struct pollfd wait = {.fd = fd, .events = POLLOUT};
        if (sent >= 0) {
            data += sent;
            bytes -= (size_t)sent;
        } else if (errno != EAGAIN || poll(&wait, 1, BLOCKED_MS) <= 0) {
            return;
        }
    }
}

static void send_to_each(const uint8_t *data, size_t bytes) {
    for (size_t i = 0; i < connection_count; i++)
        send_all(connections[i], data, bytes);
}

static size_t write_frame(uint8_t *to, const char *text, size_t bytes) {
    size_t head = bytes < 126 ? 2 : 4;
    to[0] = 0x81;
    to[1] = bytes < 126 ? (uint8_t)bytes : 126;
    if (head == 4) {
        to[2] = (uint8_t)(bytes >> 8);
        to[3] = (uint8_t)bytes;
    }
    memcpy(to + head, text, bytes);
    return head + bytes;
}

static void read_lines(bool join) {
    static char input[INPUT_BYTES];
    static uint8_t frames[2 * INPUT_BYTES];
    static size_t have;
    ssize_t got = read(STDIN_FILENO, input + have, sizeof input - have);
    size_t taken = 0, framed = 0;
    const char *end;
    if (got <= 0)
        exit(0);
    have += (size_t)got;
    while ((end = memchr(input + taken, '\n', have - taken)) != NULL) {
        framed += write_frame(frames + framed, input + taken, (size_t)(end - input) - taken);
        taken = (size_t)(end - input) + 1;
        if (!join) {
            send_to_each(frames, framed);
            framed = 0;
        }
    }
    if (framed)
        send_to_each(frames, framed);
    have -= taken;
    memmove(input, input + taken, have);
}

static void read_replay(const char *name) {
    FILE *file = fopen(name, "rb");
    if (!file || (replay_bytes = fread(replay, 1, sizeof replay, file)) == 0)
        fail(name);
    fclose(file);
}

int main(int argc, char **argv) {
    if (argc < 2) {
        fprintf(stderr, "usage: yardstick PORT [join|shared|replay FILE]\n");
        return 2;
    }
    bool join = argc > 2 && strcmp(argv[2], "join") == 0, shared = argc > 2 && strcmp(argv[2], "shared") == 0;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1]))};
    struct epoll_event events[EVENTS];
    int yes = 1;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    signal(SIGPIPE, SIG_IGN);
    if (argc > 3 && strcmp(argv[2], "replay") == 0)
        read_replay(argv[3]);
    poller = epoll_create1(0);
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes); /* connections inherit it */
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (shared)
        setsockopt(listener, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)&at, sizeof at) < 0 || listen(listener, BACKLOG) < 0)
        fail("listen");
    watch(listener);
    watch(STDIN_FILENO);
    puts("ready");
    fflush(stdout);
    for (;;) {
        int count = epoll_wait(poller, events, EVENTS, -1);
        bool lines = false;
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == listener)
                accept_all();
            else if (events[i].data.fd == STDIN_FILENO)
                lines = true;
            else
                read_connection(events[i].data.fd);
        }
        if (lines)
            read_lines(join);
    }
}
