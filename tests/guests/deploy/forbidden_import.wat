;; Needs WASI, which is not granted unless the deployer says so.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))
  @include agent
  (func (export "handle_message") (param i32 i32) (result i32) (i32.const 0)))
