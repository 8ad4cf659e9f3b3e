declare module "seek-bzip" {
  interface ByteSource {
    /** The next byte, or -1 at the end. */
    readByte(): number;
    read(target: Uint8Array, offset: number, length: number): number;
  }
  interface ByteSink {
    writeByte(byte: number): void;
  }
  const Bunzip: {
    /** Unpacks one bzip2 stream, checking block and stream checksums. Throws TypeError for data that is none. */
    decode(source: ByteSource, sink: ByteSink, multistream?: boolean): void;
  };
  export default Bunzip;
}
