;; The silent agent with a manifest in its custom section.
(module
  (@custom "caxton" "{\"name\":\"quiet\",\"version\":\"1.2.0\",\"capabilities\":[\"listen\"],\"profile\":\"strict\"}")
  @include agent
  (func (export "handle_message") (param i32 i32) (result i32) (i32.const 0)))
