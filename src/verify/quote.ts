export { quote } from "../core/quote.ts";
