;; A counter that carries its count over a hot reload; reactor start included (the count begins at 100 when
;; _initialize ran).
(module
  @import reply
  @include agent
  @include answer
  (func (export "_initialize") (i64.store (i32.const 0) (i64.const 100)))
  (func (export "handle_message") (param i32 i32) (result i32)
    (i64.store (i32.const 0) (i64.add (i64.load (i32.const 0)) (i64.const 1)))
    (call $reply_number (i64.load (i32.const 0))))
  (func (export "caxton_snapshot") (result i64) (i64.const 8)) ;; ptr 0, len 8
  (func (export "caxton_restore") (param $ptr i32) (param $len i32) (result i32)
    (if (i32.ne (local.get $len) (i32.const 8)) (then (return (i32.const -1))))
    (i64.store (i32.const 0) (i64.load (local.get $ptr)))
    (i32.const 0)))
