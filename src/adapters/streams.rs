//! All streams of this crate, for whoever implements something for each.

/// Calls `$reads`, `$writes` and `$writes_one` with a list of streams each: those that read, those whose writes take
/// several buffers, and those whose writes take one.
macro_rules! all_streams {
    ($reads:ident, $writes:ident, $writes_one:ident) => {
        $reads! {
            [] crate::io::DuplexStream;
            [] crate::io::SimplexReader;
            [] crate::io::Stdin;
            [] crate::fs::File;
            [] crate::process::ChildStdout;
            [] crate::process::ChildStderr;
        }
        $writes! {
            [] crate::io::DuplexStream;
            [] crate::io::SimplexWriter;
            [] crate::fs::File;
        }
        $writes_one! {
            [] crate::io::Stdout;
            [] crate::io::Stderr;
        }
        #[cfg(unix)]
        $writes! {
            [] crate::process::ChildStdin;
        }
        #[cfg(windows)]
        $writes_one! {
            [] crate::process::ChildStdin;
        }
        #[cfg(feature = "net")]
        $reads! {
            [] crate::net::TcpStream;
            [] &crate::net::TcpStream;
            [S: crate::net::Split] crate::net::OwnedReadHalf<S>;
            ['a, S: crate::net::Split] crate::net::ReadHalf<'a, S>;
            [T: crate::net::AsSource] crate::net::Async<T> where [for<'io> &'io T: std::io::Read];
            [T: crate::net::AsSource] &crate::net::Async<T> where [for<'io> &'io T: std::io::Read];
        }
        #[cfg(feature = "net")]
        $writes! {
            [] crate::net::TcpStream;
            [] &crate::net::TcpStream;
            [S: crate::net::Split] crate::net::OwnedWriteHalf<S>;
            ['a, S: crate::net::Split] crate::net::WriteHalf<'a, S>;
            [T: crate::net::AsSource] crate::net::Async<T> where [for<'io> &'io T: std::io::Write];
            [T: crate::net::AsSource] &crate::net::Async<T> where [for<'io> &'io T: std::io::Write];
        }
        #[cfg(all(feature = "net", unix))]
        $reads! {
            [] crate::net::UnixStream;
            [] &crate::net::UnixStream;
            [] crate::net::unix::pipe::Receiver;
            [] &crate::net::unix::pipe::Receiver;
        }
        #[cfg(all(feature = "net", unix))]
        $writes! {
            [] crate::net::UnixStream;
            [] &crate::net::UnixStream;
            [] crate::net::unix::pipe::Sender;
            [] &crate::net::unix::pipe::Sender;
        }
        #[cfg(feature = "tls")]
        $reads! {
            [S: futures_io::AsyncRead + futures_io::AsyncWrite] crate::tls::TlsStream<S>;
        }
        #[cfg(feature = "tls")]
        $writes! {
            [S: futures_io::AsyncRead + futures_io::AsyncWrite] crate::tls::TlsStream<S>;
        }
    };
}

pub(super) use all_streams;
