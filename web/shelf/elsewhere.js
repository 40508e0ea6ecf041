export class Elsewhere { part = null; }
