;; A memory with 64-bit addresses.
(module
  (memory (export "memory") i64 1)
  (func (export "caxton_abi_v1"))
  (func (export "caxton_alloc") (param i32) (result i32) (i32.const 1024))
  (func (export "handle_message") (param i32 i32) (result i32) (i32.const 0)))
