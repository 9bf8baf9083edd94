/*
 * Send the same bytes to many sockets.
 *
 * A pass over 15,000 followers is a loop of system calls. In Python, each call costs 1 µs more than here: the interpreter
 * needs half of that. os.write needs the rest, because write(2) also touches the file that belongs to the socket, which
 * has left the processor's caches. Python can call send(2) only with an object per socket.
 *
 * setup.py compiles this file to libsend_all.so, and send_all.py calls it. It doesn't use Python's headers.
 */

#define _GNU_SOURCE
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>
#ifdef __linux__
#include <sys/sendfile.h>
#endif
#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* Python ignores SIGPIPE */
#endif

static ssize_t send_file(int to, int file, size_t size) {
#ifdef __linux__
    off_t start = 0; /* the file's own offset would move */
    return sendfile(to, file, &start, size);
#else
    (void)to, (void)file, (void)size;
    return -1; /* the caller has a file only on Linux */
#endif
}

/*
 * Send `size` bytes to each of `count` sockets: those at `data`, or those of `file` unless it is negative. It never waits.
 *
 * Put the index of each socket that didn't accept all bytes into `places`, and how many it accepted into `accepted`: 0 also
 * after an error. Both need room for `count` numbers. Return how many sockets these are.
 */
int send_all(const int *sockets, int count, const char *data, size_t size, int file, int *places, size_t *accepted) {
    int partial = 0;
    for (int place = 0; place < count; place++) {
        ssize_t sent = file < 0 ? send(sockets[place], data, size, MSG_DONTWAIT | MSG_NOSIGNAL)
                                : send_file(sockets[place], file, size);
        if (sent == (ssize_t)size) continue;
        places[partial] = place;
        accepted[partial++] = sent < 0 ? 0 : (size_t)sent;
    }
    return partial;
}
