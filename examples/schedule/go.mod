module schedule

go 1.25

require lambda-wasm.internal/function v0.0.0

// `lambda-wasm build` writes it.
replace lambda-wasm.internal/function => ./.lambda-wasm/go
