/* yardstick: the least that a server can do. It sends the same frame to each connection in turn, with send(2).
 *
 *   yardstick PORT [join]
 *
 * It listens on 127.0.0.1, prints `ready`, and upgrades every request. The client must use the sample key of RFC 6455, as
 * `load` does, because the answer to it is fixed. Each line of standard input is sent as a text message to every
 * connection, with one send(2) per message and connection. With `join`, lines that arrive together are sent in one
 * send(2). It exits at the end of standard input.
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
#include <unistd.h>

enum { EVENTS = 512, CONNECTIONS = 65536, INPUT_BYTES = 1 << 20, BACKLOG = 4096, BLOCKED_MS = 5000 };

static const char RESPONSE[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                               "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

static int poller, listener;
static int connections[CONNECTIONS]; /* descriptors, from 0 to connection_count */
static size_t connection_count, place[CONNECTIONS]; /* a descriptor's index in `connections` */

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
    int fd, yes = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        if (fd >= CONNECTIONS) {
            close(fd);
            continue;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
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

static void read_connection(int fd) {
    char scratch[4096];
    ssize_t got = recv(fd, scratch, sizeof scratch, 0);
    if (got <= 0) {
        if (got == 0 || errno != EAGAIN)
            drop(fd);
    } else if (place[fd] == CONNECTIONS) { /* `load` sends its request in one piece */
        if (send(fd, RESPONSE, sizeof RESPONSE - 1, MSG_NOSIGNAL) < 0) {
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

int main(int argc, char **argv) {
    if (argc < 2) {
        fprintf(stderr, "usage: yardstick PORT [join]\n");
        return 2;
    }
    bool join = argc > 2 && strcmp(argv[2], "join") == 0;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1]))};
    struct epoll_event events[EVENTS];
    int yes = 1;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    signal(SIGPIPE, SIG_IGN);
    poller = epoll_create1(0);
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
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
