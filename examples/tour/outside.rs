//! asyncio's "Streams" and "Subprocesses": what is outside of the program.

use crate::title;
use filch::io::{AsyncBufReadExt, BufReader};
use filch::net::{TcpListener, TcpStream};
use filch::process::Command;
use std::io;
use std::net::SocketAddr;

pub(crate) async fn tour() {
    title("an echo server and its client");
    an_echo_server_and_its_client().await.unwrap();
    title("a program's output");
    a_programs_output().await.unwrap();
}

// async def handle_echo(reader, writer):
//     data = await reader.read(100)
//     print(f"Received {data.decode()!r}")
//     print(f"Send: {data.decode()!r}")
//     writer.write(data)
//     await writer.drain()
//     print("Close the connection")
//     writer.close()
//     await writer.wait_closed()
//
// async def tcp_echo_client(message, port):
//     reader, writer = await asyncio.open_connection("127.0.0.1", port)
//     print(f"Send: {message!r}")
//     writer.write((message + "\n").encode())
//     await writer.drain()
//     data = await reader.readline()
//     print(f"Received: {data.decode()!r}")
//     print("Close the connection")
//     writer.close()
//     await writer.wait_closed()
//
// async def an_echo_server_and_its_client():
//     server = await asyncio.start_server(handle_echo, "127.0.0.1", 0)
//     async with server:
//         await tcp_echo_client("Hello World!", server.sockets[0].getsockname()[1])

async fn handle_echo(stream: TcpStream) -> io::Result<()> {
    let mut buffer = [0; 100];
    let count = stream.read(&mut buffer).await?;
    let data = String::from_utf8_lossy(&buffer[..count]);
    let data = data.escape_debug();
    println!("Received '{data}'");
    println!("Send: '{data}'");
    stream.write_all(&buffer[..count]).await?;
    println!("Close the connection");
    Ok(())
}

async fn tcp_echo_client(message: &str, address: SocketAddr) -> io::Result<()> {
    let stream = TcpStream::connect(address).await?;
    println!("Send: '{message}'");
    stream.write_all(format!("{message}\n").as_bytes()).await?;
    let mut data = String::new();
    BufReader::new(&stream).read_line(&mut data).await?;
    let data = data.escape_debug();
    println!("Received: '{data}'");
    println!("Close the connection");
    Ok(())
}

async fn an_echo_server_and_its_client() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let server = filch::spawn(async move {
        let (stream, _) = listener.accept().await?;
        handle_echo(stream).await
    });
    tcp_echo_client("Hello World!", address).await?;
    server.await?
}

// async def a_programs_output():
//     process = await asyncio.create_subprocess_exec(
//         sys.executable, "-c", "print('hello from a program')", stdout=asyncio.subprocess.PIPE)
//     data = await process.stdout.readline()
//     await process.wait()
//     print(data.decode().rstrip())

async fn a_programs_output() -> io::Result<()> {
    let output = Command::new("echo")
        .arg("hello from a program")
        .output()
        .await?;
    println!("{}", String::from_utf8_lossy(&output.stdout).trim_end());
    Ok(())
}
