/* Loaded before the C library: lets calls that write into one directory fail as a page of shared memory says.

   CAXTON_FAULT_PAGE names the file of that page, CAXTON_FAULT_DIRECTORY the directory. The page is an array of
   ints: [0] which calls (bit 0 writes, bit 1 fsync and fdatasync, bit 2 writes are cut in half before they
   fail), [1] the errno, [2] how many of those calls still succeed first, [3] how many fail then (-1: all). */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

enum { WRITES = 1, SYNCS = 2, SHORT = 4 };

static volatile int *page;
static const char *directory;

__attribute__((constructor)) static void open_page(void) {
    const char *name = getenv("CAXTON_FAULT_PAGE");
    directory = getenv("CAXTON_FAULT_DIRECTORY");
    int fd = name ? open(name, O_RDWR | O_CLOEXEC) : -1;
    void *mapped = fd < 0 ? MAP_FAILED : mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    page = mapped == MAP_FAILED ? NULL : mapped;
}

static int fails(int fd, int kind) {
    char link[64], path[PATH_MAX];
    if (page == NULL || directory == NULL || !(page[0] & kind))
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    if (strncmp(path, directory, strlen(directory)) != 0)
        return 0;
    if (page[2] > 0) {
        page[2]--;
        return 0;
    }
    if (page[3] == 0)
        return 0;
    if (page[3] > 0)
        page[3]--;
    errno = page[1];
    return 1;
}

#define REAL(name) ((__typeof__(name) *)dlsym(RTLD_NEXT, #name))

ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t place) {
    if (fails(fd, WRITES)) {
        int why = errno;
        if ((page[0] & SHORT) && size > 1)
            REAL(pwrite64)(fd, bytes, size / 2, place);
        errno = why;
        return -1;
    }
    return REAL(pwrite64)(fd, bytes, size, place);
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t place) { return pwrite64(fd, bytes, size, place); }

ssize_t write(int fd, const void *bytes, size_t size) {
    return fails(fd, WRITES) ? -1 : REAL(write)(fd, bytes, size);
}

int ftruncate64(int fd, off64_t size) { return fails(fd, WRITES) ? -1 : REAL(ftruncate64)(fd, size); }
int ftruncate(int fd, off_t size) { return fails(fd, WRITES) ? -1 : REAL(ftruncate)(fd, size); }
int fsync(int fd) { return fails(fd, SYNCS) ? -1 : REAL(fsync)(fd); }
int fdatasync(int fd) { return fails(fd, SYNCS) ? -1 : REAL(fdatasync)(fd); }
