export class Catalogue { part = null; }
