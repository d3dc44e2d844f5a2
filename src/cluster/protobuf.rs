//! The wire form of protobuf, as far as Kubernetes' bodies need it. Which field means what is said where it is read.

/// What every protobuf body of Kubernetes begins with (apimachinery `pkg/runtime/serializer/protobuf`).
pub const MAGIC: &[u8] = b"k8s\0";

/// Key and value of a map's entry.
pub fn entry(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut entry: (&[u8], &[u8]) = (&[], &[]);
    let mut reader = Reader(bytes);
    while !reader.0.is_empty() {
        match reader.field()? {
            (1, Wire::Bytes(key)) => entry.0 = key,
            (2, Wire::Bytes(value)) => entry.1 = value,
            _ => {}
        }
    }
    Some(entry)
}

/// A field's value as it is encoded.
pub enum Wire<'a> {
    /// A variable-length number.
    Number(u64),
    /// Bytes, a text or a message.
    Bytes(&'a [u8]),
    /// Fixed-width numbers, which no field that is read has.
    Fixed,
}

/// What is left of a message.
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    /// The next field: its number and value. `None` when the message is cut off or malformed.
    pub fn field(&mut self) -> Option<(u64, Wire<'a>)> {
        let tag = self.varint()?;
        let wire = match tag & 7 {
            0 => Wire::Number(self.varint()?),
            1 => self.take(8).map(|_| Wire::Fixed)?,
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                Wire::Bytes(self.take(length)?)
            }
            5 => self.take(4).map(|_| Wire::Fixed)?,
            _ => return None,
        };
        Some((tag >> 3, wire))
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    /// Seven bits a byte, lowest first; at most ten bytes.
    fn varint(&mut self) -> Option<u64> {
        let mut number = 0;
        for index in 0..10 {
            let byte = self.take(1)?[0];
            number |= u64::from(byte & 0x7f) << (7 * index);
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }
}
