;; Sets the key "visits" and replies with what kv_set returned (0, or an error code).
(module
  @import reply kv_get kv_set kv_delete kv_list
  @include agent
  @include answer
  (func (export "handle_message") (param i32 i32) (result i32)
    (drop (call $kv_get `visits`))
    (drop (call $kv_list ``))
    (drop (call $kv_delete `absent`))
    (call $reply_number (i64.extend_i32_s (call $kv_set `visits` `1`)))))
