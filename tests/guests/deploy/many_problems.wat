;; Ten things wrong at once; every one has to be named.
(module
  (import "caxton_v1" "teleport" (func))
  (import "caxton_v1" "reply" (func (param i64) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 512)
  (func (export "caxton_alloc") (result i32) (i32.const 0))
  (func (export "_start"))
  (func (export "caxton_timer"))
  (func (export "simd") (result i32) (i32x4.extract_lane 0 (i32x4.splat (i32.const 1))))
  (func (export "bulk") (memory.fill (i32.const 0) (i32.const 0) (i32.const 64))))
