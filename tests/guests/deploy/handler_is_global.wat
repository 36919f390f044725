;; "handle_message" is exported, but it is a global.
(module
  @include agent
  (global (export "handle_message") i32 (i32.const 0)))
