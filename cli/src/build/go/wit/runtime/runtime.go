// Package wit_runtime has the memory and the handles of the bindings, as wit-bindgen-go names them.
package wit_runtime

import (
	"runtime"
	"unsafe"
)

// Handle is a resource that is owned, until it is dropped or given away.
type Handle struct {
	// Zero if the resource is not owned any more.
	id int32
}

// MakeHandle returns the handle of a resource.
func MakeHandle(id int32) *Handle {
	handle := &Handle{}
	handle.Set(id)
	return handle
}

// Set makes an empty handle own a resource.
func (h *Handle) Set(id int32) {
	if id == 0 || h.id != 0 {
		panic("a handle owns one resource")
	}
	h.id = id
}

// Use returns the resource for the time of a call.
func (h *Handle) Use() int32 {
	if h.id == 0 {
		panic("the resource was dropped or given away")
	}
	return h.id
}

// Take gives the resource away.
func (h *Handle) Take() int32 {
	id := h.Use()
	h.id = 0
	return id
}

// TakeOrNil gives the resource away, and returns 0 for an empty handle.
func (h *Handle) TakeOrNil() int32 {
	id := h.id
	h.id = 0
	return id
}

// Allocate returns memory that stays where it is until the pinner unpins it.
func Allocate(pinner *runtime.Pinner, size, _ uintptr) unsafe.Pointer {
	if size == 0 {
		return nil
	}
	// Words of eight bytes have the largest alignment of the canonical ABI.
	memory := unsafe.Pointer(unsafe.SliceData(make([]uint64, (size+7)/8)))
	pinner.Pin(memory)
	return memory
}

// The memory that the caller of a function has allocated for its arguments.
var arguments runtime.Pinner

// Unpin lets the memory of the arguments go.
func Unpin() { arguments.Unpin() }

// Go's runtime starts after the first calls of cabi_realloc, and packages are initialized last.
var isStarted bool

func init() { isStarted = true }

//go:linkname sbrk runtime.sbrk
func sbrk(size uintptr) unsafe.Pointer

//go:linkname acquirem runtime.acquirem
func acquirem() unsafe.Pointer

//go:linkname releasem runtime.releasem
func releasem(m unsafe.Pointer)

//go:wasmimport wasi_snapshot_preview1 adapter_monotonic_clock_set_paused
func pauseClock(isPaused bool)

// The canonical ABI calls it for the memory of arguments and results, and never to grow any. In the call, no function of
// the host may be called, but Go's garbage collector asks for the time when a cycle begins and ends. So no cycle does either
// (the thread is held), and the adapter answers for the monotonic clock, which an allocation may ask for, too.
//
//go:wasmexport cabi_realloc
func reallocate(old unsafe.Pointer, oldSize, align, size uintptr) unsafe.Pointer {
	if old != nil || oldSize != 0 {
		panic("the canonical ABI grew an allocation")
	}
	if !isStarted {
		memory := sbrk(size + align - 1)
		return unsafe.Add(memory, -uintptr(memory)&(align-1))
	}
	thread := acquirem()
	pauseClock(true)
	memory := Allocate(&arguments, size, align)
	pauseClock(false)
	releasem(thread)
	return memory
}
