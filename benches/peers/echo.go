// The Go peer of filch-bench: an echo server as its users write one, a goroutine per connection.
//
// It takes the arguments of `filch-bench serve`, prints "ready ADDRESS" and serves until standard input ends.
package main

import (
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"syscall"
	"time"
)

var (
	protocol = flag.String("protocol", "tcp", "tcp, udp or unix")
	timeout  = flag.Int("timeout", 0, "1: a deadline around every request")
	buffer   = flag.Int("buffer", 32768, "bytes of buffer per connection")
	hog      = flag.String("hog", "none", "none, compute or block: what one further goroutine per worker does")
	hogMs    = flag.Int("hog-ms", 0, "for how long at a time")
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
	address := "127.0.0.1:0"
	if *protocol == "unix" {
		address = *path
	}
	listener, err := net.Listen(*protocol, address)
	check(err)
	startHogs()
	fmt.Println("ready", listener.Addr())
	for {
		connection, err := listener.Accept()
		check(err)
		go serve(connection)
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
	for i := 0; i < *workers; i++ {
		go func() {
			for {
				if *hog == "compute" {
					compute(pause)
				} else {
					block(pause)
				}
				runtime.Gosched()
			}
		}()
	}
}

var sink uint64

// compute uses that much time of a CPU. A goroutine may change threads, so the wall clock has to do.
func compute(amount time.Duration) {
	end := time.Now().Add(amount)
	for time.Now().Before(end) {
		x := uint64(1)
		for i := uint64(0); i < 10000; i++ {
			x = x*31 + i
		}
		sink = x
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
