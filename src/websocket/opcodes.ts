/** Frame opcodes (RFC 6455 §5.2). */
export const Opcode = {
  continuation: 0x0,
  text: 0x1,
  binary: 0x2,
  close: 0x8,
  ping: 0x9,
  pong: 0xa,
} as const;

/** The longest payload of a control frame in bytes (RFC 6455 §5.5). */
export const maxControlPayload = 125;

/** The longest frame header in bytes: 2, an 8-byte length, a 4-byte masking key (RFC 6455 §5.2). */
export const maxHeaderBytes = 14;
