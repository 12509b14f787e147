/* What the load generators measure: a clock, a histogram of latencies, and the line that reports both. */
#ifndef BENCH_LATENCY_H
#define BENCH_LATENCY_H

#include <stdint.h>
#include <stdio.h>
#include <time.h>

enum { BUCKETS = 64 * 32 };
/* Of the command at work, and of all commands since the program began. */
static uint32_t histogram[BUCKETS], histogram_so_far[BUCKETS];

static inline uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* 32 buckets per power of two: an error of at most 3 %. */
static inline void record(uint64_t ns) {
  const int magnitude = 63 - __builtin_clzll(ns | 32);
  const int bucket = (magnitude - 5) * 32 + ((ns >> (magnitude - 5)) & 31);
  histogram[bucket]++;
  histogram_so_far[bucket]++;
}

static inline double percentile_us(const uint32_t *counts, double share) {
  uint64_t total = 0, seen = 0;
  for (int i = 0; i < BUCKETS; i++) total += counts[i];
  for (int i = 0; i < BUCKETS; i++) {
    seen += counts[i];
    if (total && seen >= total * share) return (double)((32ull + i % 32) << (i / 32)) / 1000;
  }
  return 0;
}

/* What a command came to, as a line of JSON. */
static inline void report(double seconds, uint64_t messages, uint64_t bytes, int unfinished, int closed) {
  printf("{\"seconds\":%.6f,\"messages\":%llu,\"bytes\":%llu,\"p50Us\":%.1f,\"p99Us\":%.1f,", seconds,
    (unsigned long long)messages, (unsigned long long)bytes, percentile_us(histogram, 0.5),
    percentile_us(histogram, 0.99));
  printf("\"p50SoFarUs\":%.1f,\"p99SoFarUs\":%.1f,", percentile_us(histogram_so_far, 0.5),
    percentile_us(histogram_so_far, 0.99));
  printf("\"unfinished\":%d,\"closed\":%d}\n", unfinished, closed);
  fflush(stdout);
}

#endif
