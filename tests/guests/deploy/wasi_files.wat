;; Needs a part of WASI that is never offered: files.
(module
  (import "wasi_snapshot_preview1" "path_open"
    (func (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  @include agent
  (func (export "handle_message") (param i32 i32) (result i32) (i32.const 0)))
