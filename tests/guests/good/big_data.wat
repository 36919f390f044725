;; Carries 12 KiB of data (above the copy-on-write threshold), which starts at 40960 = 10 * 4096. Replies with
;; the data's first and last word added up; then spoils the last word, so that a second answer shows whether
;; this instance's memory is its own: 17 + 26 = 43 first, 17 + 1000 = 1017 from then on.
(module
  @import reply
  @include answer
  (memory (export "memory") 2)
  (func (export "caxton_abi_v1"))
  (func (export "caxton_alloc") (param $len i32) (result i32)
    (if (i32.gt_u (local.get $len) (i32.const 16384)) (then (return (i32.const 0))))
    (i32.const 65536))
  (data (i32.const 40960) "\11\00\00\00" "@zeros 12280" "\1a\00\00\00")
  (func (export "handle_message") (param i32 i32) (result i32)
    (local $sum i32)
    (local.set $sum (i32.add (i32.load (i32.const 40960)) (i32.load (i32.const 53244))))
    (i32.store (i32.const 53244) (i32.const 1000))
    (call $reply_number (i64.extend_i32_u (local.get $sum)))))
