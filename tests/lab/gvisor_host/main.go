// gvisor_host: a host that runs gVisor's netstack instead of a kernel, on a tap device that it
// makes: one listener that accepts, keeps the connection and throws away what it gets. It prints
// READY once it listens. What its answers should be is in the tests.
//
//	gvisor_host DEV PORT ADDRESS/BITS [ADDRESS6/BITS]
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"strconv"
	"syscall"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/link/fdbased"
	"gvisor.dev/gvisor/pkg/tcpip/link/tun"
	"gvisor.dev/gvisor/pkg/tcpip/network/arp"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/icmp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
)

const nic = 1

func must(what string, err tcpip.Error) {
	if err != nil {
		log.Fatalf("%s: %v", what, err)
	}
}

func address(s *stack.Stack, text string) (tcpip.Address, tcpip.NetworkProtocolNumber) {
	ip, ipnet, err := net.ParseCIDR(text)
	if err != nil {
		log.Fatal(err)
	}
	bits, _ := ipnet.Mask.Size()
	proto, raw := ipv4.ProtocolNumber, ip.To4()
	if raw == nil {
		proto, raw = ipv6.ProtocolNumber, ip.To16()
	}
	with := tcpip.AddressWithPrefix{Address: tcpip.Address(raw), PrefixLen: bits}
	must("address", s.AddProtocolAddress(nic,
		tcpip.ProtocolAddress{Protocol: proto, AddressWithPrefix: with},
		stack.AddressProperties{}))
	s.AddRoute(tcpip.Route{Destination: with.Subnet(), NIC: nic})
	return with.Address, proto
}

func keep(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			log.Fatal(err)
		}
		// their FIN: stays in CLOSE-WAIT
		go func() { _, _ = io.Copy(io.Discard, c) }()
	}
}

func main() {
	if len(os.Args) < 4 {
		log.Fatal("usage: gvisor_host DEV PORT ADDRESS/BITS [ADDRESS6/BITS]")
	}
	_, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, 1, uintptr(syscall.SIGKILL), 0)
	port, err := strconv.ParseUint(os.Args[2], 10, 16)
	if err != nil {
		log.Fatal(err)
	}
	fd, err := tun.OpenTAP(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	link, err := fdbased.New(&fdbased.Options{FDs: []int{fd}, MTU: 1500, EthernetHeader: true,
		Address: tcpip.LinkAddress("\x02\x12\x34\x56\x78\x9b")})
	if err != nil {
		log.Fatal(err)
	}
	s := stack.New(stack.Options{
		NetworkProtocols: []stack.NetworkProtocolFactory{
			arp.NewProtocol, ipv4.NewProtocol, ipv6.NewProtocol},
		TransportProtocols: []stack.TransportProtocolFactory{
			tcp.NewProtocol, icmp.NewProtocol4, icmp.NewProtocol6},
	})
	must("nic", s.CreateNIC(nic, link))
	// off in the library, on in all that use it
	sack := tcpip.TCPSACKEnabled(true)
	must("sack", s.SetTransportProtocolOption(tcp.ProtocolNumber, &sack))
	for _, text := range os.Args[3:] {
		addr, proto := address(s, text)
		l, err := gonet.ListenTCP(s, tcpip.FullAddress{Addr: addr, Port: uint16(port)}, proto)
		if err != nil {
			log.Fatal(err)
		}
		go keep(l)
	}
	fmt.Println("READY")
	select {}
}
