/*
 * `tick`: block Ctrl-C, and start Python.
 *
 * Python needs 15 ms until it runs our code. A Ctrl-C in that time would end `tick` without a sentence, or with an error
 * of Python's own. Only a program that runs before Python can block the signal: a blocked signal waits, also while the
 * process becomes another program. publisher_cli/__main__.py handles the signal, and unblocks it.
 *
 * setup.py compiles this file. Installers put the program beside `ticker`, into whose first line they write the path of
 * the interpreter.
 */

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __APPLE__
#include <mach-o/dyld.h>
#endif

#define START "import sys; sys.argv[0] = 'tick'; from publisher_cli.__main__ import main; main()"
#define LINE_MAX_BYTES 4096 /* of a first line: no system runs a longer one */
#define WORDS_MAX (LINE_MAX_BYTES / 2)

static int fail(const char *about) {
    fprintf(stderr, "tick: %s: %s: nothing was sent\n", about, strerror(errno));
    return 1;
}

/* Write the path of this program, without symbolic links, into `path`: pipx and `uv tool` call it by a link. */
static int find_self(char path[PATH_MAX], const char *called) {
    char found[PATH_MAX];
#ifdef __APPLE__
    uint32_t size = sizeof found;
    if (_NSGetExecutablePath(found, &size) != 0) return 0;
    called = found;
#else
    ssize_t length = readlink("/proc/self/exe", found, sizeof found - 1);
    if (length > 0) {
        found[length] = '\0';
        called = found;
    } /* otherwise there is no /proc, as in some containers */
#endif
    return realpath(called, path) != NULL;
}

/* Put the interpreter and its options into `words`, and return how many they are. */
static int find_python(const char *folder, char line[LINE_MAX_BYTES], char *words[WORDS_MAX]) {
    static char path[PATH_MAX];
    int count = 0;
    snprintf(path, sizeof path, "%s/ticker", folder);
    FILE *script = fopen(path, "r");
    if (script != NULL) {
        if (fgets(line, LINE_MAX_BYTES, script) == NULL) line[0] = '\0';
        fclose(script);
        if (strncmp(line, "#!", 2) == 0 && strstr(line, "/python") != NULL)
            for (char *word = strtok(line + 2, " \t\r\n"); word != NULL; word = strtok(NULL, " \t\r\n"))
                words[count++] = word;
    }
    if (count == 0) { /* the first line is `#!/bin/sh`, because the path is long or has a space */
        snprintf(path, sizeof path, "%s/python", folder);
        words[count++] = path;
    }
    return count;
}

int main(int argc, char **argv) {
    static char self[PATH_MAX], line[LINE_MAX_BYTES];
    static char *words[WORDS_MAX];
    sigset_t interrupt;

    sigemptyset(&interrupt);
    sigaddset(&interrupt, SIGINT);
    sigprocmask(SIG_BLOCK, &interrupt, NULL);

    if (!find_self(self, argv[0])) return fail(argv[0]);
    *strrchr(self, '/') = '\0'; /* a real path is absolute */
    int count = find_python(self, line, words);
    char **command = calloc((size_t)count + (size_t)argc + 3, sizeof *command);
    if (command == NULL) return fail("memory");
    memcpy(command, words, (size_t)count * sizeof *command);
    command[count++] = "-P"; /* import nothing from the present folder */
    command[count++] = "-c";
    command[count++] = START;
    for (int each = 1; each < argc; each++) command[count++] = argv[each];
    execv(command[0], command);
    return fail(command[0]);
}
