;; Asks for ever more memory, touching what it gets; when refused it asks for half as much, down to one page. When it
;; holds all that the limit allows it gives up with a trap.
(module
  @include agent
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32)
    (local $old i32) (local $step i32)
    (local.set $step (i32.const 1))
    (loop $more
      (local.set $old (memory.grow (local.get $step)))
      (if (i32.eq (local.get $old) (i32.const -1))
        (then
          (if (i32.eq (local.get $step) (i32.const 1)) (then (unreachable)))
          (local.set $step (i32.shr_u (local.get $step) (i32.const 1))))
        (else
          (i32.store (i32.shl (local.get $old) (i32.const 16)) (i32.const 1))
          (local.set $step (i32.shl (local.get $step) (i32.const 1)))))
      (br $more))
    (unreachable)))
