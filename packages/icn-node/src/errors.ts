export type NodeErrorCode =
  | 'options-invalid'
  | 'data-dir-locked'
  | 'data-dir-unusable'
  | 'store-corrupt'
  | 'store-failed'
  | 'node-closed'
  | 'node-unreachable'
  | 'consumer-invalid'
  | 'consumers-full'
  | 'own-did'
  | 'request-refused';

/** What fails around a node; `code` is a closed set, the message says what to do next. */
export class NodeError extends Error {
  override readonly name = 'NodeError';
  readonly code: NodeErrorCode;

  constructor(code: NodeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
