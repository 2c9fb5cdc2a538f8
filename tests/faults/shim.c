/* Preloaded by a test: lets one call below a directory fail, as on a machine that fails once.

   $FAULTS names a file that all processes map: which call is to fail (0: none), how many there have
   been, and which one failed. $FAULTS_ROOT is the directory; a fork has none, so each one counts.
   Build: gcc -shared -fPIC -o shim.so shim.c -ldl */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

struct control {
    int at, count;
    char what[512];
};

static struct control *control;
static char root[PATH_MAX];

__attribute__((constructor)) static void begin(void) {
    const char *name = getenv("FAULTS"), *below = getenv("FAULTS_ROOT");
    if (!name || !below) return;
    int file = syscall(SYS_openat, AT_FDCWD, name, O_RDWR);
    void *map = mmap(0, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    syscall(SYS_close, file);
    snprintf(root, sizeof root, "%s/", below);
    if (map != MAP_FAILED) control = map;
}

static int fails(const char *call, const char *path, int number) {
    if (!control || !control->at) return 0;
    if (path && strncmp(path, root, strlen(root))) return 0;
    if (__sync_add_and_fetch(&control->count, 1) != control->at) return 0;
    const char *who = getenv("FAULTS_WHO");
    snprintf(control->what, sizeof control->what, "%s %s %s", who ? who : "tool", call, path ? path : "");
    errno = number;
    return 1;
}

static int fails_at(const char *call, int directory, const char *path, int number) {
    char whole[PATH_MAX], link[64];
    if (!control || !control->at) return 0;
    if (path && *path == '/') return fails(call, path, number);
    if (directory == AT_FDCWD) strcpy(link, "/proc/self/cwd");
    else snprintf(link, sizeof link, "/proc/self/fd/%d", directory);
    long length = syscall(SYS_readlinkat, AT_FDCWD, link, whole, sizeof whole - 1);
    if (length < 0) return 0;
    whole[length] = 0;
    if (path) snprintf(whole + length, sizeof whole - length, "/%s", path);
    return fails(call, whole, number);
}

/* SQLite writes page by page; of many writes to one file, the first, the second and a few count. */
static int written[1024];

static int write_fails(int file) {
    if (file < 0 || file >= 1024) return 0;
    int before = written[file]++;
    return (before < 2 || before % 100 == 0) && fails_at("write", file, 0, ENOSPC);
}

ssize_t write(int file, const void *data, size_t size) {
    if (write_fails(file)) return -1;
    return syscall(SYS_write, file, data, size);
}

ssize_t pwrite64(int file, const void *data, size_t size, off64_t offset) {
    if (write_fails(file)) return -1;
    return syscall(SYS_pwrite64, file, data, size, offset);
}

ssize_t pwrite(int file, const void *data, size_t size, off_t offset) {
    return pwrite64(file, data, size, offset);
}

int fsync(int file) {
    if (fails_at("fsync", file, 0, EIO)) return -1;
    return syscall(SYS_fsync, file);
}

int fdatasync(int file) {
    if (fails_at("fsync", file, 0, EIO)) return -1;
    return syscall(SYS_fdatasync, file);
}

int renameat(int from, const char *old, int to, const char *new) {
    if (fails_at("rename", to, new, EIO)) return -1;
    return syscall(SYS_renameat2, from, old, to, new, 0);
}

int rename(const char *old, const char *new) { return renameat(AT_FDCWD, old, AT_FDCWD, new); }

static int really_open(int directory, const char *path, int flags, int mode) {
    if (fails_at("open", directory, path, EMFILE)) return -1;
    int file = syscall(SYS_openat, directory, path, flags, mode);
    if (file >= 0 && file < 1024) written[file] = 0;
    return file;
}

#define MODE(flags) \
    int mode = 0; \
    if (flags & (O_CREAT | O_TMPFILE)) { \
        va_list more; \
        va_start(more, flags); \
        mode = va_arg(more, int); \
        va_end(more); \
    }

int open(const char *path, int flags, ...) { MODE(flags) return really_open(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(flags) return really_open(AT_FDCWD, path, flags, mode); }
int openat(int at, const char *path, int flags, ...) { MODE(flags) return really_open(at, path, flags, mode); }
int openat64(int at, const char *path, int flags, ...) { MODE(flags) return really_open(at, path, flags, mode); }

pid_t fork(void) {
    static pid_t (*next)(void);
    if (!next) next = dlsym(RTLD_NEXT, "fork");
    if (fails("fork", 0, EAGAIN)) return -1;
    return next();
}

pid_t vfork(void) { return fork(); }
