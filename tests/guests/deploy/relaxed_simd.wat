;; Uses relaxed SIMD (and with it SIMD).
(module
  @include agent
  (func (export "handle_message") (param i32 i32) (result i32)
    (i32x4.extract_lane 0
      (i8x16.relaxed_swizzle (i32x4.splat (local.get 0)) (i32x4.splat (local.get 1))))))
