/* The process's own figures, as Prometheus' client libraries name them. Linux. */
#include "observe/metrics_table.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static double cpu_seconds(void) {
    struct rusage used;
    if (getrusage(RUSAGE_SELF, &used) != 0) return 0;
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

/* field 0: virtual, 1: resident; bytes. */
static double memory_bytes(int field) {
    unsigned long long pages[2] = {0, 0};
    FILE *f = fopen("/proc/self/statm", "re");
    if (!f) return 0;
    int read = fscanf(f, "%llu %llu", &pages[0], &pages[1]);
    (void)fclose(f);
    return read == 2 ? (double)pages[field] * (double)sysconf(_SC_PAGESIZE) : 0;
}

static double open_fds(void) {
    struct stat st;
    if (stat("/proc/self/fd", &st) == 0 && st.st_size > 0)
        return (double)st.st_size; /* Linux 6.2 */
    DIR *d = opendir("/proc/self/fd");
    if (!d) return 0;
    double count = -3; /* ".", ".." and the descriptor of d */
    while (readdir(d))
        count++;
    (void)closedir(d);
    return count;
}

static double max_fds(void) {
    struct rlimit limit;
    return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? (double)limit.rlim_cur : 0;
}

double process_figure(const metrics *m, metric_id id) {
    switch (id) {
    case METRIC_BUILD_INFO: return 1;
    case METRIC_PROCESS_CPU: return cpu_seconds();
    case METRIC_PROCESS_VIRTUAL: return memory_bytes(0);
    case METRIC_PROCESS_RESIDENT: return memory_bytes(1);
    case METRIC_PROCESS_OPEN_FDS: return open_fds();
    case METRIC_PROCESS_MAX_FDS: return max_fds();
    case METRIC_PROCESS_START: return (double)m->started_wall_us / 1e6;
    default: return 0;
    }
}
