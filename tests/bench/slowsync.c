/* LD_PRELOAD for a database server: every flush takes as many microseconds longer as stand in the
   file FSYNC_DELAY_FILE, which may change while the server runs. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void wait_longer(void) {
  const char *path = getenv("FSYNC_DELAY_FILE");
  char text[32];
  long us = 0;
  int file = path ? open(path, O_RDONLY) : -1;
  if (file >= 0) {
    ssize_t length = read(file, text, sizeof text - 1);
    if (length > 0) {
      text[length] = 0;
      us = atol(text);
    }
    close(file);
  }
  if (us > 0) {
    struct timespec left = {us / 1000000, us % 1000000 * 1000};
    while (nanosleep(&left, &left))
      ;
  }
}

int fsync(int file) {
  static int (*original)(int);
  if (!original)
    original = dlsym(RTLD_NEXT, "fsync");
  wait_longer();
  return original(file);
}

int fdatasync(int file) {
  static int (*original)(int);
  if (!original)
    original = dlsym(RTLD_NEXT, "fdatasync");
  wait_longer();
  return original(file);
}
