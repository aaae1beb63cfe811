/* The same memory traffic in C: transformers' AdamW in one loop, float32. Speaks the protocol of contestant.ts,
   but reads shapes as COUNT*SIZE only.

   cc -O3 -msse4.1 -fno-math-errno -ffp-contract=off -o adamw adamw.c -lm */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CHUNK = 65536, SLACK = 4096 };

static float pool[CHUNK + SLACK];

typedef struct {
  float *p, *g, *m, *v;
} Tensor;

static Tensor *tensors;
static size_t count, size;
static long t;

/* Values of both signs, 0.5 to 1.5 in size: as in gradients.ts. */
static void fill_pool(void) {
  uint32_t state = 1;
  for (size_t i = 0; i < CHUNK + SLACK; i++) {
    state = state * 1664525u + 1013904223u;
    float magnitude = 0.5f + ((float)(state & 0x7fffffffu) / 2147483648.0f);
    pool[i] = state >> 31 ? -magnitude : magnitude;
  }
}

static void refill(float *target, long k) {
  size_t offset = (size_t)(k * 97) % SLACK;
  for (size_t begin = 0; begin < size; begin += CHUNK) {
    size_t length = size - begin < CHUNK ? size - begin : CHUNK;
    memcpy(target + begin, pool + offset, length * sizeof(float));
    offset = (offset + 31) % SLACK;
  }
}

static void adamw(float *restrict p, const float *restrict g, float *restrict m, float *restrict v, size_t n, float beta1, float rest1,
                  float beta2, float rest2, float eps, float step_size, float decay) {
  for (size_t i = 0; i < n; i++) {
    m[i] = beta1 * m[i] + rest1 * g[i];
    v[i] = beta2 * v[i] + rest2 * g[i] * g[i];
    p[i] -= step_size * m[i] / (sqrtf(v[i]) + eps);
    p[i] -= decay * p[i];
  }
}

static void step(void) {
  const double lr = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0.01;
  t++;
  double step_size = lr * sqrt(1 - pow(beta2, (double)t)) / (1 - pow(beta1, (double)t));
  for (size_t i = 0; i < count; i++)
    adamw(tensors[i].p, tensors[i].g, tensors[i].m, tensors[i].v, size, (float)beta1, (float)(1 - beta1), (float)beta2,
          (float)(1 - beta2), (float)eps, (float)step_size, (float)(lr * weight_decay));
}

/* Its arrays lie one behind the other, 64 KiB apart where they are large: as far as ours (placement.ts says why). */
static Tensor zeroed(void) {
  size_t length = (size + 15) / 16 * 16 + (size < 1 << 20 ? 0 : 16384);
  float *memory = aligned_alloc(64, 4 * length * sizeof(float));
  if (!memory) {
    puts("error out of memory");
    exit(1);
  }
  memset(memory, 0, 4 * length * sizeof(float));
  return (Tensor){memory, memory + length, memory + 2 * length, memory + 3 * length};
}

static double now(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return (double)at.tv_sec * 1e9 + (double)at.tv_nsec;
}

int main(void) {
  char line[256];
  long filled = 0;
  setvbuf(stdout, NULL, _IOLBF, 1 << 16);
  fill_pool();
  printf("hello cc %s\n", __VERSION__);
  while (fgets(line, sizeof line, stdin)) {
    double ms;
    long least, most;
    if (sscanf(line, "prepare %*s %zu*%zu", &count, &size) == 2) {
      tensors = malloc(count * sizeof *tensors);
      for (size_t i = 0; i < count; i++) {
        tensors[i] = zeroed();
        refill(tensors[i].p, 7);
      }
      t = 0;
      puts("ready");
    } else if (sscanf(line, "round %lf %ld %ld", &ms, &least, &most) == 3) {
      double end = now() + ms * 1e6;
      fputs("times", stdout);
      for (long steps = 0; steps < least || (steps < most && now() < end); steps++) {
        for (size_t i = 0; i < count; i++) refill(tensors[i].g, filled);
        filled++;
        double begin = now();
        step();
        printf(" %.0f", now() - begin);
      }
      putchar('\n');
    } else if (strncmp(line, "release", 7) == 0) {
      for (size_t i = 0; i < count; i++) free(tensors[i].p);
      free(tensors);
      puts("released");
    } else {
      break;
    }
  }
  return 0;
}
