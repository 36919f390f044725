;; Grows its memory a MiB at a time, touching each, until the host refuses; then traps.
(module
  @include agent
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32) (local $old i32)
    (loop $more
      (local.set $old (memory.grow (i32.const 16)))
      (if (i32.eq (local.get $old) (i32.const -1)) (then (unreachable)))
      (i32.store (i32.shl (local.get $old) (i32.const 16)) (i32.const 1))
      (br $more))
    (unreachable)))
