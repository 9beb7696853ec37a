exports.folder = __dirname;
