;; Calls the tool "clock" and replies with what call_tool returned: a request id, or an error code.
(module
  @import reply call_tool
  @include agent
  @include answer
  (func (export "handle_message") (param i32 i32) (result i32)
    (call $reply_number (call $call_tool `clock` `{"zone":"UTC"}`))))
