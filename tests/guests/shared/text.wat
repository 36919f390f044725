  ;; Builds text at 8192: $start_text, then any number of $put and $put_number; it is $text_len bytes long.
  (global $end (mut i32) (i32.const 8192))
  (func $start_text (global.set $end (i32.const 8192)))
  (func $put (param $from i32) (param $len i32)
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $len)))
        (i32.store8 (global.get $end) (i32.load8_u (local.get $from)))
        (global.set $end (i32.add (global.get $end) (i32.const 1)))
        (local.set $from (i32.add (local.get $from) (i32.const 1)))
        (local.set $len (i32.sub (local.get $len) (i32.const 1)))
        (br $next))))
  (func $put_number (param $n i64)
    (if (i64.lt_s (local.get $n) (i64.const 0))
      (then
        (i32.store8 (global.get $end) (i32.const 45))
        (global.set $end (i32.add (global.get $end) (i32.const 1)))
        (local.set $n (i64.sub (i64.const 0) (local.get $n)))))
    (if (i64.ge_u (local.get $n) (i64.const 10))
      (then (call $put_number (i64.div_u (local.get $n) (i64.const 10)))))
    (i32.store8 (global.get $end)
      (i32.add (i32.const 48) (i32.wrap_i64 (i64.rem_u (local.get $n) (i64.const 10)))))
    (global.set $end (i32.add (global.get $end) (i32.const 1))))
  (func $text_len (result i32) (i32.sub (global.get $end) (i32.const 8192)))
