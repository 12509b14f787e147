/* What the load generators measure time with: a clock, and a histogram of latencies. */
#ifndef BENCH_LATENCY_H
#define BENCH_LATENCY_H

#include <stdint.h>
#include <time.h>

enum { BUCKETS = 64 * 32 };
static uint32_t histogram[BUCKETS];

static inline uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* 32 buckets per power of two: an error of at most 3 %. */
static inline void record(uint64_t ns) {
  const int magnitude = 63 - __builtin_clzll(ns | 32);
  histogram[(magnitude - 5) * 32 + ((ns >> (magnitude - 5)) & 31)]++;
}

static inline double percentile_us(double share) {
  uint64_t total = 0, seen = 0;
  for (int i = 0; i < BUCKETS; i++) total += histogram[i];
  for (int i = 0; i < BUCKETS; i++) {
    seen += histogram[i];
    if (total && seen >= total * share) return (double)((32ull + i % 32) << (i / 32)) / 1000;
  }
  return 0;
}

#endif
