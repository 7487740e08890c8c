// The Go peer of filch-bench: an echo server as its users write one, a goroutine per connection.
//
// It takes the arguments of `filch-bench serve`, prints "ready ADDRESS" and serves until standard input ends.
package main

import (
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

var (
	protocol = flag.String("protocol", "tcp", "tcp, udp, unix or ticks")
	timeout  = flag.Int("timeout", 0, "1: a deadline around every request")
	buffer   = flag.Int("buffer", 32768, "bytes of buffer per connection")
	hog      = flag.String("hog", "none", "none, compute, block or pipe: what further goroutines do")
	hogMs    = flag.Int("hog-ms", 0, "for how long at a time")
	hogs     = flag.Int("hogs", 0, "how many such goroutines there are")
	board    = flag.String("board", "", "the file in whose memory they count their steps")
	workers  = flag.Int("workers", 2, "GOMAXPROCS")
	path     = flag.String("path", "", "the Unix socket")
)

func main() {
	flag.Parse()
	runtime.GOMAXPROCS(*workers)
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	if *protocol == "udp" {
		serveDatagrams()
		return
	}
	network, address := "tcp", "127.0.0.1:0"
	if *protocol == "unix" {
		network, address = "unix", *path
	}
	listener, err := net.Listen(network, address)
	check(err)
	startHogs()
	fmt.Println("ready", listener.Addr())
	for {
		connection, err := listener.Accept()
		check(err)
		if *protocol == "ticks" {
			go tick(connection)
		} else {
			go serve(connection)
		}
	}
}

func serve(connection net.Conn) {
	defer connection.Close()
	bytes := make([]byte, *buffer)
	for {
		if *timeout != 0 {
			connection.SetDeadline(time.Now().Add(30 * time.Second))
		}
		n, err := connection.Read(bytes)
		if err != nil {
			return
		}
		if _, err := connection.Write(bytes[:n]); err != nil {
			return
		}
	}
}

// tick sends how late each tick of an interval was, in nanoseconds. A time.Ticker would drop those that it is too late
// for.
func tick(connection net.Conn) {
	defer connection.Close()
	bytes := make([]byte, 8)
	for due := time.Now().Add(time.Millisecond); ; due = due.Add(time.Millisecond) {
		time.Sleep(time.Until(due))
		binary.LittleEndian.PutUint64(bytes, uint64(time.Since(due)))
		if _, err := connection.Write(bytes); err != nil {
			return
		}
	}
}

func serveDatagrams() {
	socket, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	check(err)
	startHogs()
	fmt.Println("ready", socket.LocalAddr())
	bytes := make([]byte, *buffer)
	for {
		n, from, err := socket.ReadFromUDPAddrPort(bytes)
		check(err)
		_, err = socket.WriteToUDPAddrPort(bytes[:n], from)
		check(err)
	}
}

func startHogs() {
	if *hog == "none" {
		return
	}
	pause := time.Duration(*hogMs) * time.Millisecond
	for i := 0; i < *hogs; i++ {
		steps := stepsOf(i)
		poll := func() { block(pause); atomic.AddUint64(steps, 1) }
		switch *hog {
		case "compute":
			poll = func() { compute(pause, steps) }
		case "pipe":
			end := slowPipe(pause)
			poll = func() { read(end); atomic.AddUint64(steps, 1) }
		}
		go func() {
			for {
				poll()
				runtime.Gosched()
			}
		}()
	}
}

// stepsOf is where hog i counts: the first of the two numbers in its cache line of the board. What CPU time it uses
// cannot be said of a goroutine.
func stepsOf(i int) *uint64 {
	if *board == "" {
		return new(uint64)
	}
	file, err := os.OpenFile(*board, os.O_RDWR, 0)
	check(err)
	memory, err := syscall.Mmap(int(file.Fd()), 0, 4096, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	check(err)
	return (*uint64)(unsafe.Pointer(&memory[i*64]))
}

var sink uint64

// compute uses that much time of a CPU. A goroutine may change threads, so the wall clock has to do. A step is as long
// as in the Rust servers.
func compute(amount time.Duration, steps *uint64) {
	end := time.Now().Add(amount)
	for time.Now().Before(end) {
		x := uint64(1)
		for i := uint64(0); i < 25000; i++ {
			x = (x^x>>29)*6364136223846793005 + i
		}
		atomic.StoreUint64(&sink, x)
		atomic.AddUint64(steps, 1)
	}
}

// slowPipe is the reading end of a pipe into which another goroutine writes a byte every period.
func slowPipe(period time.Duration) int {
	ends := make([]int, 2)
	check(syscall.Pipe(ends))
	go func() {
		// A thread of its own, as in the other servers.
		runtime.LockOSThread()
		for {
			syscall.Write(ends[1], []byte{0})
			block(period)
		}
	}()
	return ends[0]
}

// read holds the thread in a system call until there is a byte; os.File would only park the goroutine.
func read(end int) {
	bytes := make([]byte, 1)
	for {
		if n, err := syscall.Read(end, bytes); n == 1 {
			return
		} else if err != syscall.EINTR {
			check(err)
		}
	}
}

// block holds the thread in a system call, as a foreign library would; time.Sleep would only park the goroutine.
func block(amount time.Duration) {
	rest := syscall.NsecToTimespec(amount.Nanoseconds())
	for syscall.Nanosleep(&rest, &rest) == syscall.EINTR {
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
