  ;; The part every agent has: memory, the marker, and room for one message at 16384.
  ;; Layout: 0..1023 scratch and counters, 1024..8191 string literals, 8192..16383 text being built,
  ;; from 16384 the incoming message (one byte is kept free behind it).
  (memory (export "memory") 1)
  (func (export "caxton_abi_v1"))
  (func (export "caxton_alloc") (param $len i32) (result i32)
    (local $missing i64)
    ;; 64-bit sums: a length near 2^32 must not wrap into a small one.
    (local.set $missing
      (i64.sub
        (i64.add (i64.extend_i32_u (local.get $len)) (i64.const 16385))
        (i64.shl (i64.extend_i32_u (memory.size)) (i64.const 16))))
    (if (i64.gt_s (local.get $missing) (i64.const 0))
      (then
        (if (i32.eq
              (memory.grow
                (i32.wrap_i64 (i64.shr_u (i64.add (local.get $missing) (i64.const 65535)) (i64.const 16))))
              (i32.const -1))
          (then (return (i32.const 0))))))
    (i32.const 16384))
