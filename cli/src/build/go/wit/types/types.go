// Package wit_types has the types of WIT that Go lacks, as the bindings of wit-bindgen-go name them.
package wit_types

// Unit is a type with a single value: a `result` without a payload has it.
type Unit struct{}

// The cases of an option.
const (
	OptionNone = 0
	OptionSome = 1
)

// Option is a value or nothing.
type Option[T any] struct {
	isSome bool
	value  T
}

// Some returns an option with a value.
func Some[T any](value T) Option[T] { return Option[T]{isSome: true, value: value} }

// None returns an option without a value.
func None[T any]() Option[T] { return Option[T]{} }

// Tag returns OptionSome or OptionNone.
func (o Option[T]) Tag() uint8 {
	if o.isSome {
		return OptionSome
	}
	return OptionNone
}

// IsSome tells whether there is a value.
func (o Option[T]) IsSome() bool { return o.isSome }

// IsNone tells whether there is no value.
func (o Option[T]) IsNone() bool { return !o.isSome }

// Some returns the value. It panics if the option has no value.
func (o Option[T]) Some() T {
	if !o.isSome {
		panic("the option has no value")
	}
	return o.value
}

// SomeOr returns the value, or other if the option has no value.
func (o Option[T]) SomeOr(other T) T {
	if o.isSome {
		return o.value
	}
	return other
}

// The cases of a result.
const (
	ResultOk  = 0
	ResultErr = 1
)

// Result is a value or an error.
type Result[T, E any] struct {
	isErr bool
	ok    T
	err   E
}

// Ok returns a result with a value.
func Ok[T, E any](value T) Result[T, E] { return Result[T, E]{ok: value} }

// Err returns a result with an error.
func Err[T, E any](err E) Result[T, E] { return Result[T, E]{isErr: true, err: err} }

// Tag returns ResultOk or ResultErr.
func (r Result[T, E]) Tag() uint8 {
	if r.isErr {
		return ResultErr
	}
	return ResultOk
}

// IsOk tells whether there is a value.
func (r Result[T, E]) IsOk() bool { return !r.isErr }

// IsErr tells whether there is an error.
func (r Result[T, E]) IsErr() bool { return r.isErr }

// Ok returns the value. It panics if there is an error.
func (r Result[T, E]) Ok() T {
	if r.isErr {
		panic("the result is an error")
	}
	return r.ok
}

// Err returns the error. It panics if the result is a value.
func (r Result[T, E]) Err() E {
	if !r.isErr {
		panic("the result is not an error")
	}
	return r.err
}

// The tuples of the worlds that have bindings for Go.

// Tuple2 has two values.
type Tuple2[T0, T1 any] struct {
	F0 T0
	F1 T1
}

// Tuple3 has three values.
type Tuple3[T0, T1, T2 any] struct {
	F0 T0
	F1 T1
	F2 T2
}

// Tuple4 has four values: an address of IPv4.
type Tuple4[T0, T1, T2, T3 any] struct {
	F0 T0
	F1 T1
	F2 T2
	F3 T3
}

// Tuple8 has eight values: an address of IPv6.
type Tuple8[T0, T1, T2, T3, T4, T5, T6, T7 any] struct {
	F0 T0
	F1 T1
	F2 T2
	F3 T3
	F4 T4
	F5 T5
	F6 T6
	F7 T7
}
