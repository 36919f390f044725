"""Atomic operations, pauses, clocks and futex calls: the only room that names compiler builtins.

Names say width and order. Plain statistics use ``relaxed``; everything that publishes data uses
``acquire``/``release`` pairs or ``seq`` where a store must be ordered before a later load.
"""

from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

cdef extern from * nogil:
    """
    #include <linux/futex.h>
    #include <stdint.h>
    #include <sys/syscall.h>
    #include <time.h>
    #include <unistd.h>

    #define cx_load_relaxed(p)  __atomic_load_n((p), __ATOMIC_RELAXED)
    #define cx_store_ptr_relaxed(p, v) __atomic_store_n((p), (void *)(v), __ATOMIC_RELAXED)
    #define cx_load_acquire(p)  __atomic_load_n((p), __ATOMIC_ACQUIRE)
    #define cx_load_seq(p)      __atomic_load_n((p), __ATOMIC_SEQ_CST)
    #define cx_store_relaxed(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
    #define cx_store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
    #define cx_store_seq(p, v)  __atomic_store_n((p), (v), __ATOMIC_SEQ_CST)
    #define cx_add_relaxed(p, v) __atomic_fetch_add((p), (v), __ATOMIC_RELAXED)
    #define cx_add_seq(p, v)    __atomic_fetch_add((p), (v), __ATOMIC_SEQ_CST)
    #define cx_sub_release(p, v) __atomic_fetch_sub((p), (v), __ATOMIC_RELEASE)
    #define cx_sub_seq(p, v)    __atomic_fetch_sub((p), (v), __ATOMIC_SEQ_CST)
    #define cx_swap_seq(p, v)   __atomic_exchange_n((p), (v), __ATOMIC_SEQ_CST)
    #define cx_swap_ptr(p, v)   __atomic_exchange_n((p), (void *)(v), __ATOMIC_SEQ_CST)
    #define cx_store_ptr(p, v)  __atomic_store_n((p), (void *)(v), __ATOMIC_RELEASE)
    #define cx_cas(p, e, d) \\
        __atomic_compare_exchange_n((p), (e), (d), 0, __ATOMIC_SEQ_CST, __ATOMIC_ACQUIRE)
    #define cx_cas_ptr(p, e, d) cx_cas((p), (e), (void *)(d))
    #define cx_leading_zeros(x) ((uint32_t)__builtin_clzll(x))
    #define cx_likely(x)   __builtin_expect(!!(x), 1)
    #define cx_unlikely(x) __builtin_expect(!!(x), 0)
    #define cx_prefetch(p) __builtin_prefetch((p), 1, 3)

    #if defined(__x86_64__) || defined(__i386__)
    #define cx_pause() __builtin_ia32_pause()
    #else
    #define cx_pause() __asm__ __volatile__("yield")
    #endif

    static inline uint64_t cx_multiply_fold(uint64_t a, uint64_t b) {
        __extension__ typedef unsigned __int128 cx_u128;
        cx_u128 product = (cx_u128)a * b;
        return (uint64_t)product ^ (uint64_t)(product >> 64);
    }

    typedef uint64_t cx_half_line __attribute__((vector_size(32), may_alias, aligned(32)));
    static inline void cx_line_clear(void *line) {
        cx_half_line *halves = (cx_half_line *)line;
        halves[0] = (cx_half_line){0};
        halves[1] = (cx_half_line){0};
    }

    static inline uint64_t cx_clock_ns(clockid_t clock) {
        struct timespec t;
        clock_gettime(clock, &t);
        return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
    }
    static inline uint64_t cx_monotonic_ns(void) { return cx_clock_ns(CLOCK_MONOTONIC); }
    static inline uint64_t cx_realtime_ns(void) { return cx_clock_ns(CLOCK_REALTIME); }

    static inline long cx_futex_wait(uint32_t *word, uint32_t expected, uint64_t timeout_ns) {
        struct timespec t = {(time_t)(timeout_ns / 1000000000u), (long)(timeout_ns % 1000000000u)};
        return syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, &t, (void *)0, 0);
    }
    static inline long cx_futex_wake(uint32_t *word, int count) {
        return syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, (void *)0, (void *)0, 0);
    }
    """
    uint32_t load_u32_relaxed "cx_load_relaxed"(const uint32_t*) noexcept
    uint64_t load_u64_relaxed "cx_load_relaxed"(const uint64_t*) noexcept
    uint32_t load_u32_acquire "cx_load_acquire"(const uint32_t*) noexcept
    uint64_t load_u64_acquire "cx_load_acquire"(const uint64_t*) noexcept
    void* load_ptr_relaxed "cx_load_relaxed"(void* const*) noexcept
    void* load_ptr_acquire "cx_load_acquire"(void* const*) noexcept
    uint32_t load_u32_seq "cx_load_seq"(const uint32_t*) noexcept
    uint64_t load_u64_seq "cx_load_seq"(const uint64_t*) noexcept
    void* load_ptr_seq "cx_load_seq"(void* const*) noexcept
    void store_u32_relaxed "cx_store_relaxed"(uint32_t*, uint32_t) noexcept
    void store_u64_relaxed "cx_store_relaxed"(uint64_t*, uint64_t) noexcept
    void store_ptr_relaxed "cx_store_ptr_relaxed"(void**, void*) noexcept
    void store_u32_release "cx_store_release"(uint32_t*, uint32_t) noexcept
    void store_u64_release "cx_store_release"(uint64_t*, uint64_t) noexcept
    void store_ptr_release "cx_store_ptr"(void**, void*) noexcept
    void store_u32_seq "cx_store_seq"(uint32_t*, uint32_t) noexcept
    void store_u64_seq "cx_store_seq"(uint64_t*, uint64_t) noexcept
    uint32_t add_u32_relaxed "cx_add_relaxed"(uint32_t*, uint32_t) noexcept
    uint64_t add_u64_relaxed "cx_add_relaxed"(uint64_t*, uint64_t) noexcept
    uint32_t add_u32_seq "cx_add_seq"(uint32_t*, uint32_t) noexcept
    uint64_t add_u64_seq "cx_add_seq"(uint64_t*, uint64_t) noexcept
    uint32_t sub_u32_release "cx_sub_release"(uint32_t*, uint32_t) noexcept
    uint64_t sub_u64_release "cx_sub_release"(uint64_t*, uint64_t) noexcept
    uint32_t sub_u32_seq "cx_sub_seq"(uint32_t*, uint32_t) noexcept
    uint64_t sub_u64_seq "cx_sub_seq"(uint64_t*, uint64_t) noexcept
    uint32_t swap_u32_seq "cx_swap_seq"(uint32_t*, uint32_t) noexcept
    uint64_t swap_u64_seq "cx_swap_seq"(uint64_t*, uint64_t) noexcept
    void* swap_ptr_seq "cx_swap_ptr"(void**, void*) noexcept
    bint cas_u32 "cx_cas"(uint32_t*, uint32_t*, uint32_t) noexcept
    bint cas_u64 "cx_cas"(uint64_t*, uint64_t*, uint64_t) noexcept
    bint cas_ptr "cx_cas_ptr"(void**, void**, void*) noexcept
    bint likely "cx_likely"(bint) noexcept
    bint unlikely "cx_unlikely"(bint) noexcept
    void prefetch "cx_prefetch"(const void*) noexcept
    # Zero bits above the highest set bit of a non-zero word.
    uint32_t leading_zeros "cx_leading_zeros"(uint64_t) noexcept
    # Both halves of the 128-bit product, folded into one word by exclusive or.
    uint64_t multiply_fold "cx_multiply_fold"(uint64_t, uint64_t) noexcept
    # Zero a cache line, 64 bytes aligned, by plain stores: for sizes of a few lines the compiler would use
    # a string instruction, whose start alone costs more.
    void line_clear "cx_line_clear"(void*) noexcept
    void pause "cx_pause"() noexcept
    uint64_t monotonic_ns "cx_monotonic_ns"() noexcept
    uint64_t realtime_ns "cx_realtime_ns"() noexcept
    long futex_wait "cx_futex_wait"(uint32_t*, uint32_t, uint64_t timeout_ns) noexcept
    long futex_wake "cx_futex_wake"(uint32_t*, int count) noexcept
