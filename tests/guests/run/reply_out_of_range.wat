;; Points at a reply that ends outside of its memory.
(module
  @import reply
  @include agent
  (func (export "handle_message") (param $ptr i32) (param $len i32) (result i32) (drop (call $reply (i32.const 65530) (i32.const 64))) (i32.const 1)))
